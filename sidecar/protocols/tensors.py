"""V2 tensors in JSON: `shape` and `data`, flat or nested, in requests and responses alike."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, cast

from sidecar.protocols.strict_json import Malformed, is_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_RANK = 32
"""Dimensions of a tensor, numpy's own old limit; bounds the product of the shape."""

_SCALARS = {int, float, str, bool, type(None)}


def read_tensor(tensor: Mapping[str, object]) -> tuple[list[int], list[object]]:
    """Shape, and data in row-major order, of an input or output; raises `Malformed` where they do not fit.

    Nested data must be nested as the shape says.
    """
    shape = _shape(tensor.get("shape"))
    data = tensor.get("data")
    if not is_array(data):
        raise Malformed("data is not an array")
    elements = _unnested(shape, data) if data and is_array(data[0]) else data
    if len(elements) != math.prod(shape):
        raise Malformed("data has another number of elements than shape says")
    return shape, elements


def column(
    shape: Sequence[int], elements: Sequence[object], index: int | None, instances: int, *, batch: bool
) -> Sequence[object]:
    """One value an instance: of a `[n]` or `[n,1]` tensor, or column `index` of an `[n,k]` one.

    Without `batch` the whole tensor is one row. Raises `Malformed` where there is no such column.
    """
    if batch and (not 1 <= len(shape) <= 2 or shape[0] != instances):
        raise Malformed("the shape is not [n] or [n,k] for n instances")
    # Triton flattens any array that it finds among the elements, and so moves those behind it.
    if not set(map(type, elements)) <= _SCALARS:
        raise Malformed("data is neither flat nor nested as shape says")
    width = len(elements) // instances
    if index is None and width != 1:
        raise Malformed("a row does not hold one value; name its column, as in NAME[0]")
    if index is None:
        return elements
    if index >= width:
        raise Malformed("a row has no such column")
    return elements[index::width]


def _shape(value: object) -> list[int]:
    if not is_array(value) or len(value) > MAX_RANK:
        raise Malformed(f"shape is not an array of at most {MAX_RANK} dimensions")
    for length in value:
        # Not isinstance: a JSON boolean is no dimension.
        if type(length) is not int or length < 0:
            raise Malformed("shape holds something else than integers from 0")
    return cast("list[int]", value)


def _unnested(shape: list[int], data: list[object]) -> list[object]:
    level: list[object] = [data]
    for length in shape:
        if not _all_of_length(level, length):
            raise Malformed("data is neither flat nor nested as shape says")
        level = list(chain.from_iterable(cast("list[list[object]]", level)))
    if level and is_array(level[0]):
        raise Malformed("data is nested deeper than shape says")
    return level


def _all_of_length(level: list[object], length: int) -> bool:
    return set(map(type, level)) <= {list} and set(map(len, cast("list[list[object]]", level))) <= {length}
