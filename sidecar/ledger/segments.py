"""Segments: the files that hold a log's records, one after the other, and their names and headers.

`records/<first sequence>.seg` begins with 80 bytes; integers are little-endian.

    magic (8) ‖ log id (16) ‖ first sequence (8) ‖ keep_from (8) ‖ Merkle root before it (32) ‖ CRC-32C (4) ‖ 0 (4)

Frames follow, then zeros up to the reserved size in the segment that is written to; a closed one ends with its
last frame. `keep_from` is the lowest sequence that a start must read again from here: that of the oldest exchange
still open when the segment began.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crc32c import crc32c

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"MPSLOG1\n"
_LAYOUT = struct.Struct("<8s16sQQ32s")
_END = struct.Struct("<II")
HEADER_BYTES = _LAYOUT.size + _END.size
FOLDER = "records"
_NAME = re.compile(r"\d{20}\.seg")


class Damaged(Exception):
    """A log's file is not as it was written. `sequence` is the first record that is lost or in doubt, if known."""

    def __init__(self, path: Path, offset: int, sequence: int | None, what: str) -> None:
        super().__init__(f"{path} is damaged at byte {offset}: {what}")
        self.path = path
        self.offset = offset
        self.sequence = sequence
        self.what = what


@dataclass(frozen=True, slots=True)
class Header:
    """A segment's header. `log_id` is 32 hexadecimal digits, `root` the tree's over all records before `first`."""

    log_id: str
    first: int
    keep_from: int
    root: bytes

    def pack(self) -> bytes:
        """Its 80 bytes."""
        body = _LAYOUT.pack(MAGIC, bytes.fromhex(self.log_id), self.first, self.keep_from, self.root)
        return body + _END.pack(crc32c(body), 0)

    @classmethod
    def unpack(cls, data: bytes) -> Header:
        """From its 80 bytes. Raises ValueError."""
        if len(data) != HEADER_BYTES:
            raise ValueError("the header is cut off")
        magic, log_id, first, keep_from, root = _LAYOUT.unpack_from(data)
        if magic != MAGIC:
            raise ValueError("the header has another magic number")
        if _END.unpack_from(data, _LAYOUT.size) != (crc32c(data[: _LAYOUT.size]), 0):
            raise ValueError("the header's CRC-32C does not match")
        return cls(log_id.hex(), first, keep_from, root)


def segment_name(first: int) -> str:
    """The file's name, such that names sort like sequences."""
    return f"{first:020}.seg"


def first_of(path: Path) -> int:
    """The first sequence, as the file's name tells it."""
    return int(path.stem)


def segment_files(ledger_dir: Path) -> list[Path]:
    """All segments, oldest first."""
    folder = ledger_dir / FOLDER
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name))


def read_header(path: Path) -> Header:
    """A segment's header. Raises `Damaged`, also where the file's name tells another first sequence."""
    with path.open("rb") as file:
        data = file.read(HEADER_BYTES)
    try:
        header = Header.unpack(data)
    except ValueError as error:
        raise Damaged(path, 0, first_of(path), str(error)) from error
    if header.first != first_of(path):
        raise Damaged(path, 24, first_of(path), f"the header says that it begins with record {header.first}")
    return header
