"""Frames: how one record lies in a segment.

    CRC-32C (of all that follows) ‖ length of the record ‖ sequence ‖ batch_first ‖ record

Integers are little-endian: 4, 4, 8 and 8 bytes. `batch_first` is the sequence of the first record of the commit
that wrote this frame: whatever stands before it was durable by then. A length of 0 means that no frame follows.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from crc32c import crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD = struct.Struct("<IIQQ")
"""CRC, length, sequence, batch_first."""
_CRC = struct.Struct("<I")
_COVERED = struct.Struct("<IQQ")
HEAD_BYTES = HEAD.size
CRC_BYTES = _CRC.size
RECORD_LIMIT_BYTES = 65_535
"""Contract 7; an entry of a C2SP tlog-tiles bundle has a 16-bit length."""
FRAME_LIMIT_BYTES = HEAD_BYTES + RECORD_LIMIT_BYTES
_CHUNK_BYTES = 1 << 20


class Frame(NamedTuple):
    """One frame that was read and found whole. `offset` is its place in the segment, in bytes."""

    offset: int
    sequence: int
    batch_first: int
    record: bytes


def frame(sequence: int, batch_first: int, record: bytes) -> bytes:
    """A record's frame. Raises ValueError for a record that is empty or too long."""
    if not 0 < len(record) <= RECORD_LIMIT_BYTES:
        raise ValueError(f"a record of {len(record)} bytes: it must have 1 to {RECORD_LIMIT_BYTES}")
    covered = _COVERED.pack(len(record), sequence, batch_first) + record
    return _CRC.pack(crc32c(covered)) + covered


class FrameScan:
    """The frames of an open segment from an offset on, in bounded memory: iterate, then ask how it ended.

    `end` is where the last good frame ends. `problem` says why the next one is not good, and is None where the
    frames just end: with the file, or with zeros up to there.
    """

    def __init__(self, file: BinaryIO, offset: int, sequence: int) -> None:
        """`sequence` is what the first frame must have."""
        self._file = file
        self._sequence = sequence
        self.end = offset
        self.problem: str | None = None

    def __iter__(self) -> Iterator[Frame]:
        self._file.seek(self.end)
        chunk, at = b"", 0
        while True:
            if len(chunk) - at < FRAME_LIMIT_BYTES:
                chunk, at = chunk[at:] + self._file.read(_CHUNK_BYTES), 0
            found = self._read(chunk, at)
            if found is None:
                return
            yield found
            at += HEAD_BYTES + len(found.record)

    def _read(self, chunk: bytes, at: int) -> Frame | None:
        if not any(chunk[at : at + HEAD_BYTES]):
            self.problem = None if self._is_zero_from(self.end) else "zeros stand where a frame is due"
            return None
        if len(chunk) - at < HEAD_BYTES:
            self.problem = "a frame's head is cut off"
            return None
        crc, length, sequence, batch_first = HEAD.unpack_from(chunk, at)
        end = at + HEAD_BYTES + length
        if not 0 < length <= RECORD_LIMIT_BYTES or end > len(chunk):
            self.problem = f"a frame says that its record has {length} bytes"
            return None
        covered = chunk[at + CRC_BYTES : end]
        if crc32c(covered) != crc:
            self.problem = "a frame's CRC-32C does not match"
            return None
        if sequence != self._sequence:
            self.problem = f"a frame has the sequence {sequence} where {self._sequence} is due"
            return None
        frame = Frame(self.end, sequence, batch_first, covered[_COVERED.size :])
        self._sequence += 1
        self.end += HEAD_BYTES + length
        return frame

    def _is_zero_from(self, offset: int) -> bool:
        self._file.seek(offset)
        zeros = bytes(1 << 16)  # compared with, not stripped of: a tenth of the time, and a start reads 64 MiB of them
        return all(chunk == zeros[: len(chunk)] for chunk in iter(lambda: self._file.read(len(zeros)), b""))


def is_followed_up(data: bytes, mark: bytes, sequence: int) -> bool:
    """Whether `data` holds a whole frame written after `sequence` was durable.

    `data` is what lies behind a bad frame that should have that sequence; every record begins with `mark`. True:
    the bad frame was once good, so it is damage. False: it is a torn tail, of a commit that nobody was told of.
    """
    at = data.find(mark)
    while at >= 0:
        begin = at - HEAD_BYTES
        if begin >= 0 and _is_later(data, begin, sequence):
            return True
        at = data.find(mark, at + 1)
    return False


def _is_later(data: bytes, begin: int, sequence: int) -> bool:
    crc, length, own, batch_first = HEAD.unpack_from(data, begin)
    covered = data[begin + CRC_BYTES : begin + HEAD_BYTES + length]
    return batch_first > sequence and own >= batch_first and crc32c(covered) == crc
