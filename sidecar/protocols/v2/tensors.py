"""V2 tensors, in requests and responses alike: `shape`, and `data` flat or nested, or the bytes of a binary tail."""

from __future__ import annotations

import math
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, cast

from sidecar.protocols.strict_json import Malformed, is_array
from sidecar.protocols.v2.datatypes import packed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.protocols.v2.datatypes import Elements

MAX_RANK = 32
"""Dimensions of a tensor, numpy's own old limit; bounds the product of the shape."""

_SCALARS = {int, float, str, bool, type(None)}


class Tensor(NamedTuple):
    """A tensor whose elements are as many as its shape says."""

    shape: Sequence[int]
    elements: Elements
    datatype: object = None

    def column(self, index: int | None, instances: int, *, batch: bool) -> Sequence[object]:
        """One value an instance: of a `[n]` or `[n,1]` tensor, or column `index` of an `[n,k]` one.

        Without `batch` the whole tensor is one row. Raises `Malformed` where there is no such column.
        """
        shape = self.shape
        if batch and (len(shape) not in (1, 2) or shape[0] != instances):
            raise Malformed("the shape is not [n] or [n,k] for n instances")
        width = math.prod(shape) // instances
        if index is None:
            if width != 1:
                raise Malformed("a row does not hold one value; name its column, as in NAME[0]")
            return self.elements.every(0, 1)
        if index >= width:
            raise Malformed("a row has no such column")
        return self.elements.every(index, width)


class JsonElements(NamedTuple):
    """Elements that JSON holds: the innermost arrays of `data`, one where it is flat."""

    rows: list[list[object]]

    def every(self, start: int, step: int) -> Sequence[object]:
        """See `Elements.every`."""
        values = self.rows[0] if len(self.rows) == 1 else list(chain.from_iterable(self.rows))
        # Triton flattens any array that it finds among the elements, and so moves those behind it.
        if not set(map(type, values)) <= _SCALARS:
            raise Malformed("data is neither flat nor nested as shape says")
        return values[start::step]


def read_tensor(tensor: Mapping[str, object], tail: memoryview | None = None) -> Tensor:
    """An input or output; raises `Malformed` where shape and data do not fit.

    Nested data must be nested as the shape says. `tail` is the binary data of a tensor that has no other.
    """
    shape, datatype = _shape(tensor.get("shape")), tensor.get("datatype")
    count = math.prod(shape)
    if tail is not None:
        return Tensor(shape, packed(datatype, count, tail), datatype)
    data = tensor.get("data")
    if not is_array(data):
        raise Malformed("data is not an array")
    if data and is_array(data[0]):
        return Tensor(shape, JsonElements(_rows(shape, data)), datatype)
    if len(data) != count:
        raise Malformed("data has another number of elements than shape says")
    return Tensor(shape, JsonElements([data]), datatype)


def _shape(value: object) -> list[int]:
    if not is_array(value) or len(value) > MAX_RANK:
        raise Malformed(f"shape is not an array of at most {MAX_RANK} dimensions")
    for length in value:
        # Not isinstance: a JSON boolean is no dimension.
        if type(length) is not int or length < 0:
            raise Malformed("shape holds something else than integers from 0")
    return cast("list[int]", value)


def _rows(shape: list[int], data: list[object]) -> list[list[object]]:
    """The innermost of nested arrays, each as long as the shape says."""
    rows = [data]
    for depth, length in enumerate(shape, 1):
        if not set(map(len, rows)) <= {length}:
            raise Malformed("data is neither flat nor nested as shape says")
        if depth < len(shape):
            rows = _arrays(rows)
    if not shape or (rows and rows[0] and is_array(rows[0][0])):
        raise Malformed("data is nested deeper than shape says")
    return rows


def _arrays(rows: list[list[object]]) -> list[list[object]]:
    items = list(chain.from_iterable(rows))
    if not set(map(type, items)) <= {list}:
        raise Malformed("data is neither flat nor nested as shape says")
    return cast("list[list[object]]", items)
