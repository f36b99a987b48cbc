"""V2's datatypes in binary: elements in a row, little-endian; a string (`BYTES`) behind its length in four bytes.

Nothing is copied, and only those elements are decoded that somebody reads.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from sidecar.protocols.strict_json import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

_GREATEST = {"BF16": 3.3895313892515355e38, "FP16": 65_504.0, "FP32": 3.4028234663852886e38, "FP64": math.inf}
"""Beyond these Triton makes infinity of a number."""

MAX_STRINGS = 262_144
"""Elements of binary `BYTES` tensors: each costs a step of ours to find the next."""

_CODES = {
    "BOOL": "?",
    "INT8": "b",
    "INT16": "h",
    "INT32": "i",
    "INT64": "q",
    "UINT8": "B",
    "UINT16": "H",
    "UINT32": "I",
    "UINT64": "Q",
    "FP16": "e",
    "FP32": "f",
    "FP64": "d",
}
"""By datatype, the character for `struct`. BF16 has none: it is the upper half of an FP32."""

_BF16 = "BF16"
_LENGTH, _SINGLE = struct.Struct("<I"), struct.Struct("<f")


class Elements(Protocol):
    """A tensor's elements in row-major order, wherever they came from."""

    def every(self, start: int, step: int) -> Sequence[object]:
        """The element at `start` and each `step` after it; raises `Malformed` where one is no JSON scalar.

        `step` divides the number of elements.
        """
        ...


def are_of(datatype: object, values: Sequence[object]) -> bool:
    """Whether JSON scalars are values of a datatype as they are.

    Triton takes 257 in INT8 for 1, and numpy 0.5 in an integer for 0: the model's value is not the one in the text.
    """
    # Not isinstance: a JSON boolean is no number.
    types = set(map(type, values))
    if datatype == "BYTES":
        return types <= {str}
    if datatype == "BOOL":
        return types <= {bool}
    numbers = cast("Sequence[float]", values)
    if isinstance(datatype, str) and datatype in _GREATEST:
        return types <= {int, float} and all(abs(number) <= _GREATEST[datatype] for number in numbers)
    bounds = _integers(datatype)
    return bounds is not None and types <= {int} and all(bounds[0] <= number <= bounds[1] for number in numbers)


def _integers(datatype: object) -> tuple[int, int] | None:
    """The least and the greatest value of an integer type."""
    code = _CODES.get(datatype) if isinstance(datatype, str) else None
    if code is None:
        return None
    bits = 8 * struct.calcsize(f"<{code}")
    return (0, 2**bits - 1) if code.isupper() else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def packed(datatype: object, count: int, data: memoryview) -> Elements:
    """The `count` elements that `data` is; raises `Malformed` where it is anything else."""
    if datatype == "BYTES":
        return _strings(count, data)
    code = "H" if datatype == _BF16 else _CODES.get(datatype) if isinstance(datatype, str) else None
    if code is None:
        raise Malformed("datatype is none of V2's")
    size_bytes = struct.calcsize(f"<{code}")
    if len(data) != count * size_bytes:
        raise Malformed("binary_data_size is not what shape and datatype make")
    return _Fixed(code, size_bytes, data, upper_half=datatype == _BF16)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """Elements that are all of one size."""

    code: str
    size_bytes: int
    data: memoryview
    upper_half: bool

    def every(self, start: int, step: int) -> Sequence[object]:
        """See `Elements.every`."""
        before, behind = start * self.size_bytes, (step - start - 1) * self.size_bytes
        layout = struct.Struct(f"<{before}x{self.code}{behind}x")
        values = [value for (value,) in layout.iter_unpack(self.data)]
        if self.upper_half:
            values = [_from_upper_half(value) for value in values]
        # As JSON has it: what is NaN or infinite is no number (RFC 8259 section 6).
        if not all(map(math.isfinite, values)):
            raise Malformed("a number is not finite")
        return values


def _from_upper_half(bits: int) -> float:
    (value,) = _SINGLE.unpack(_LENGTH.pack(bits << 16))
    return value


def _strings(count: int, data: memoryview) -> _Strings:
    if count > MAX_STRINGS:
        raise Malformed(f"more than {MAX_STRINGS} strings in a binary tensor")
    starts = _starts(data, count)
    if len(starts) != count:
        raise Malformed("binary_data holds another number of strings than shape says")
    return _Strings(starts, data)


@dataclass(frozen=True, slots=True)
class _Strings:
    """`BYTES` elements, by where each of them starts: at its length."""

    starts: list[int]
    data: memoryview

    def every(self, start: int, step: int) -> Sequence[object]:
        """See `Elements.every`."""
        try:
            return [self._string(at) for at in self.starts[start::step]]
        except UnicodeDecodeError:
            raise Malformed("a string is not UTF-8") from None

    def _string(self, at: int) -> str:
        (length,) = _LENGTH.unpack_from(self.data, at)
        at += _LENGTH.size
        return str(self.data[at : at + length], "utf-8")


def _starts(data: memoryview, count: int) -> list[int]:
    """Where each string starts, of `count` and one more at most."""
    starts: list[int] = []
    end, at = len(data), 0
    while at < end and len(starts) <= count:
        if at + _LENGTH.size > end:
            raise Malformed("a string's length is cut off")
        starts.append(at)
        at += _LENGTH.size + _LENGTH.unpack_from(data, at)[0]
    if at > end:
        raise Malformed("a string is longer than its tensor")
    return starts
