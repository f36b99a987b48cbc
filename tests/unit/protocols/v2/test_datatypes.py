from __future__ import annotations

import struct

import pytest

from sidecar.protocols.strict_json import Malformed
from sidecar.protocols.v2.datatypes import MAX_STRINGS, are_of, packed


def strings(*texts: bytes) -> bytes:
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@pytest.mark.parametrize(
    ("datatype", "data", "values"),
    [
        ("BOOL", b"\x00\x01", [False, True]),
        ("INT8", b"\xff\x7f", [-1, 127]),
        ("UINT8", b"\xff\x7f", [255, 127]),
        ("INT16", b"\xfe\xff\x00\x01", [-2, 256]),
        ("UINT16", b"\xfe\xff\x00\x01", [65534, 256]),
        ("INT32", struct.pack("<2i", -3, 2**31 - 1), [-3, 2**31 - 1]),
        ("UINT32", struct.pack("<2I", 3, 2**32 - 1), [3, 2**32 - 1]),
        ("INT64", struct.pack("<2q", -(2**63), 4), [-(2**63), 4]),
        ("UINT64", struct.pack("<2Q", 2**64 - 1, 4), [2**64 - 1, 4]),
        ("FP16", b"\x00\x38\x00\xc0", [0.5, -2.0]),
        ("BF16", b"\x00\x3f\x00\xc0", [0.5, -2.0]),
        ("FP32", struct.pack("<2f", 0.5, -2), [0.5, -2.0]),
        ("FP64", struct.pack("<2d", 0.1, -2), [0.1, -2.0]),
        ("BYTES", strings(b"", "Zoë".encode()), ["", "Zoë"]),
    ],
)
def test_elements_of_every_datatype(datatype: str, data: bytes, values: list[object]) -> None:
    elements = packed(datatype, 2, memoryview(data))
    assert elements.every(0, 1) == values
    assert elements.every(1, 2) == values[1:]
    assert list(map(type, elements.every(0, 1))) == list(map(type, values))


@pytest.mark.parametrize("datatype", ["INT16", "BYTES"])
def test_a_column_is_decoded_alone(datatype: str) -> None:
    data = strings(*(b"%d" % n for n in range(6))) if datatype == "BYTES" else struct.pack("<6h", *range(6))
    elements = packed(datatype, 6, memoryview(data))
    columns = [elements.every(index, 3) for index in range(3)]
    assert columns == ([["0", "3"], ["1", "4"], ["2", "5"]] if datatype == "BYTES" else [[0, 3], [1, 4], [2, 5]])


@pytest.mark.parametrize("datatype", ["FP64", "BYTES"])
def test_a_tensor_may_be_empty(datatype: str) -> None:
    elements = packed(datatype, 0, memoryview(b""))
    assert elements.every(0, 1) == []


SIZE = "binary_data_size is not what shape and datatype make"
COUNT = "binary_data holds another number of strings than shape says"


@pytest.mark.parametrize(
    ("datatype", "count", "data", "message"),
    [
        ("FP64", 1, b"\0" * 7, SIZE),
        ("FP64", 1, b"\0" * 9, SIZE),
        ("FP64", 2, b"\0" * 8, SIZE),
        ("BOOL", 0, b"\0", SIZE),
        ("BF16", 1, b"\0" * 4, SIZE),
        ("FP8", 1, b"\0", "datatype is none of V2's"),
        ("fp64", 1, b"\0" * 8, "datatype is none of V2's"),
        (None, 1, b"\0", "datatype is none of V2's"),
        ([], 1, b"\0", "datatype is none of V2's"),
        ("BYTES", 1, b"", COUNT),
        ("BYTES", 2, strings(b"a"), COUNT),
        ("BYTES", 1, strings(b"a", b"b"), COUNT),
        ("BYTES", 0, strings(b""), COUNT),
        ("BYTES", 1, b"\1\0\0", "a string's length is cut off"),
        ("BYTES", 2, strings(b"a") + b"\0", "a string's length is cut off"),
        ("BYTES", 1, b"\2\0\0\0a", "a string is longer than its tensor"),
        ("BYTES", 1, b"\xff\xff\xff\xffa", "a string is longer than its tensor"),
        ("BYTES", MAX_STRINGS + 1, b"", "more than 262144 strings in a binary tensor"),
    ],
)
def test_what_is_not_the_elements_is_refused(datatype: object, count: int, data: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        packed(datatype, count, memoryview(data))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("datatype", "data"),
    [
        ("FP16", b"\x00\x7c"),
        ("FP16", b"\x00\x7e"),
        ("BF16", b"\x80\x7f"),
        ("BF16", b"\xc0\x7f"),
        ("FP32", struct.pack("<f", float("-inf"))),
        ("FP64", struct.pack("<d", float("nan"))),
    ],
)
def test_only_finite_numbers_are_numbers(datatype: str, data: bytes) -> None:
    size = len(data)
    elements = packed(datatype, 2, memoryview(b"\0" * size + data))
    assert elements.every(0, 2) == [0.0]
    with pytest.raises(Malformed, match="a number is not finite"):
        elements.every(1, 2)


def test_as_many_strings_as_there_may_be() -> None:
    elements = packed("BYTES", MAX_STRINGS, memoryview(bytes(4 * MAX_STRINGS)))
    assert elements.every(0, 1) == [""] * MAX_STRINGS


def test_a_string_that_nobody_reads_may_be_any_bytes() -> None:
    elements = packed("BYTES", 2, memoryview(strings(b"a", b"\xff")))
    assert elements.every(0, 2) == ["a"]
    with pytest.raises(Malformed, match="a string is not UTF-8"):
        elements.every(1, 2)


@pytest.mark.parametrize(
    ("datatype", "values"),
    [
        ("INT8", [-128, 0, 127]),
        ("INT32", [2**31 - 1]),
        ("INT64", [-(2**63), 2**63 - 1]),
        ("UINT8", [0, 255]),
        ("UINT64", [2**64 - 1]),
        ("FP16", [-65_504, 65_504.0]),
        ("FP32", [1, 0.1, 3.4e38]),
        ("FP64", [-1.7e308]),
        ("BOOL", [True, False]),
        ("BYTES", ["", "a"]),
    ],
)
def test_are_of(datatype: str, values: list[object]) -> None:
    assert are_of(datatype, values)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("INT8", 128),
        ("INT8", -129),
        ("INT32", 2**32 + 50),
        ("INT64", 2**63),
        ("UINT8", 256),
        ("UINT8", -1),
        ("INT8", 1.0),
        ("INT8", True),
        ("INT8", "1"),
        ("INT8", None),
        ("FP16", 65_505),
        ("FP32", 1e39),
        ("FP64", "0.5"),
        ("FP64", True),
        ("FP64", None),
        ("BOOL", 1),
        ("BOOL", 0.5),
        ("BYTES", 1),
        ("BYTES", None),
        ("int8", 1),
        (None, 1),
        ([], 1),
    ],
)
def test_what_a_datatype_does_not_hold(datatype: object, value: object) -> None:
    assert not are_of(datatype, [value])
