from __future__ import annotations

import pytest

from sidecar.protocols.strict_json import Malformed
from sidecar.protocols.v2.tensors import JsonElements, Tensor, read_tensor

UNFIT = "data is neither flat nor nested as shape says"
COUNT = "data has another number of elements than shape says"
DATA = "data is not an array"
RANK = "shape is not an array of at most 32 dimensions"
DIMENSION = "shape holds something else than integers from 0"


@pytest.mark.parametrize(
    ("shape", "data", "elements"),
    [
        ([3], [1, 2, 3], [1, 2, 3]),
        ([1, 3], ["a", "b", "c"], ["a", "b", "c"]),
        ([2, 2], [[1, 2], [3, 4]], [1, 2, 3, 4]),
        ([2, 1, 2], [[[1, 2]], [[3, 4]]], [1, 2, 3, 4]),
        ([], [7], [7]),
        ([0], [], []),
        ([0, 3], [], []),
        ([2, 0], [[], []], []),
        ([2], [None, True], [None, True]),
    ],
)
def test_read_tensor(shape: list[int], data: list[object], elements: list[object]) -> None:
    read = read_tensor({"shape": shape, "data": data})
    assert (read.shape, read.elements.every(0, 1)) == (shape, elements)


def test_read_tensor_of_a_tail() -> None:
    tensor: dict[str, object] = {"shape": [2, 2], "datatype": "UINT8"}
    read = read_tensor(tensor, memoryview(b"\x01\x02\x03\x04"))
    assert (read.shape, read.column(1, 2, batch=True)) == ([2, 2], [2, 4])
    with pytest.raises(Malformed, match="not what shape and datatype make"):
        read_tensor(tensor, memoryview(b"\x01\x02\x03"))


@pytest.mark.parametrize(
    ("shape", "data", "message"),
    [
        ([3], [1, 2], COUNT),
        ([2], [], COUNT),
        ([], [], COUNT),
        ([2, 2], [[1, 2], [3]], UNFIT),
        ([2, 2], [[1, 2], 3], UNFIT),
        ([4], [[1, 2], [3, 4]], UNFIT),
        ([1], [[1]], "data is nested deeper than shape says"),
        ([2], "ab", DATA),
        ([2], None, DATA),
        (None, [1], RANK),
        ("1", [1], RANK),
        ([1] * 33, [1], RANK),
        ([True], [1], DIMENSION),
        ([1.0], [1], DIMENSION),
        ([-1], [1], DIMENSION),
        ([[1]], [1], DIMENSION),
    ],
)
def test_read_tensor_refuses(shape: object, data: object, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_tensor({"shape": shape, "data": data})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("shape", "elements", "index", "instances", "batch", "values"),
    [
        ([3], [1, 2, 3], None, 3, True, [1, 2, 3]),
        ([3], [1, 2, 3], 0, 3, True, [1, 2, 3]),
        ([3, 1], [1, 2, 3], None, 3, True, [1, 2, 3]),
        ([2, 3], [1, 2, 3, 4, 5, 6], 1, 2, True, [2, 5]),
        ([3], [1, 2, 3], 2, 1, False, [3]),
        ([1, 3], [1, 2, 3], 0, 1, False, [1]),
        ([], [9], None, 1, False, [9]),
    ],
)
def test_column(
    shape: list[int],
    elements: list[object],
    index: int | None,
    instances: int,
    batch: bool,
    values: list[object],
) -> None:
    assert Tensor(shape, JsonElements([elements])).column(index, instances, batch=batch) == values


@pytest.mark.parametrize(
    ("shape", "elements", "index", "instances", "batch", "message"),
    [
        ([2], [1, 2], None, 3, True, "the shape is not [n] or [n,k] for n instances"),
        ([], [1], None, 1, True, "the shape is not [n] or [n,k] for n instances"),
        ([2, 1, 1], [1, 2], None, 2, True, "the shape is not [n] or [n,k] for n instances"),
        (
            [2, 2],
            [1, 2, 3, 4],
            None,
            2,
            True,
            "a row does not hold one value; name its column, as in NAME[0]",
        ),
        ([2, 0], [], None, 2, True, "a row does not hold one value; name its column, as in NAME[0]"),
        ([3], [1, 2, 3], None, 1, False, "a row does not hold one value; name its column, as in NAME[0]"),
        ([2, 2], [1, 2, 3, 4], 2, 2, True, "a row has no such column"),
        ([2, 2], [1, [2], [], 3], 1, 2, True, UNFIT),
        ([2], [1, {}], None, 2, True, UNFIT),
    ],
)
def test_column_refuses(
    shape: list[int],
    elements: list[object],
    index: int | None,
    instances: int,
    batch: bool,
    message: str,
) -> None:
    with pytest.raises(Malformed) as caught:
        Tensor(shape, JsonElements([elements])).column(index, instances, batch=batch)
    assert str(caught.value) == message
