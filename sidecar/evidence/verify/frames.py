"""Finding one's way in a segment whose bytes are not as they should be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crc32c import crc32c

from sidecar.evidence.verify.heads import MARK
from sidecar.ledger.frames import CRC_BYTES, FRAME_LIMIT_BYTES, HEAD, HEAD_BYTES, RECORD_LIMIT_BYTES

if TYPE_CHECKING:
    from typing import BinaryIO

_WINDOW_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Whole:
    """A frame whose CRC is right, wherever it came from."""

    offset: int
    end: int
    sequence: int
    batch_first: int
    record: bytes


def whole_at(file: BinaryIO, offset: int) -> Whole | None:
    """The frame at an offset, if there is one."""
    return _whole(os.pread(file.fileno(), FRAME_LIMIT_BYTES, offset), 0, offset)


def next_whole(file: BinaryIO, offset: int) -> Whole | None:
    """The first frame that begins at an offset or behind it."""
    while True:
        data = os.pread(file.fileno(), _WINDOW_BYTES + FRAME_LIMIT_BYTES, offset)
        is_last = len(data) < _WINDOW_BYTES + FRAME_LIMIT_BYTES
        at = data.find(MARK, HEAD_BYTES)
        while at >= 0 and (is_last or at < _WINDOW_BYTES + HEAD_BYTES):
            found = _whole(data, at - HEAD_BYTES, offset)
            if found is not None:
                return found
            at = data.find(MARK, at + 1)
        if is_last:
            return None
        offset += _WINDOW_BYTES


def first_non_zero(file: BinaryIO, offset: int) -> int | None:
    """The first byte from an offset on that is not zero."""
    while data := os.pread(file.fileno(), _WINDOW_BYTES, offset):
        rest = data.lstrip(b"\0")
        if rest:
            return offset + len(data) - len(rest)
        offset += len(data)
    return None


def _whole(data: bytes, at: int, base: int) -> Whole | None:
    if len(data) - at < HEAD_BYTES:
        return None
    crc, length, sequence, batch_first = HEAD.unpack_from(data, at)
    end = at + HEAD_BYTES + length
    if not 0 < length <= RECORD_LIMIT_BYTES or end > len(data) or crc32c(data[at + CRC_BYTES : end]) != crc:
        return None
    return Whole(base + at, base + end, sequence, batch_first, data[at + HEAD_BYTES : end])
