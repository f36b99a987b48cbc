"""Reading a log from a position on, up to what its newest checkpoint covers: never anything that a crash may undo."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.frames import HEAD_BYTES, FrameScan
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.reading import first_sequence
from sidecar.ledger.segments import HEADER_BYTES, Damaged, first_of, read_header, segment_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.ledger.layout import Layout
    from sidecar.ship.cursor import Cursor


class Extent(NamedTuple):
    """What there is to ship: the records of `log` from `first` up to `size`, under `checkpoint`, a signed note."""

    log: str
    first: int
    size: int
    checkpoint: bytes


class Position(NamedTuple):
    """Where the frame of record `sequence` begins: at `offset` in the segment that begins with record `segment`."""

    sequence: int
    segment: int
    offset: int


def extent_of(layout: Layout) -> Extent | None:
    """As it stands now; None while there is no checkpoint yet. Raises Damaged, OSError.

    The checkpoint's signature is for those to check who judge the log; here only its size counts.
    """
    try:
        note = layout.checkpoint.read_bytes()
    except FileNotFoundError:
        return None
    try:
        size = claimed_checkpoint(note).size
    except NoteInvalid as error:
        raise Damaged(layout.checkpoint, 0, None, str(error)) from error
    files = segment_files(layout.ledger_dir)
    if not files:
        raise Damaged(layout.checkpoint, 0, None, "there are no segments beside it")
    return Extent(read_header(files[-1]).log_id, first_sequence(layout.ledger_dir), size, note)


def position_of(cursor: Cursor) -> Position:
    """Where a cursor stands."""
    return Position(cursor.next, cursor.segment, cursor.offset)


def follow(layout: Layout, position: Position, stop: int) -> Iterator[tuple[bytes, Position]]:
    """Each record from a position up to `stop`, and the position behind it. Raises Damaged, OSError."""
    while position.sequence < stop:
        path = layout.segment(position.segment)
        with _opened(path, position) as file:
            scan = FrameScan(file, position.offset, position.sequence)
            for found in scan:
                position = Position(found.sequence + 1, position.segment, found.offset + HEAD_BYTES + len(found.record))
                yield found.record, position
                if position.sequence == stop:
                    return
        position = _next_segment(layout, position, path, scan.problem)


def beyond(layout: Layout, position: Position) -> Position | None:
    """The beginning of the next segment, for whoever cannot go on in this one; None where there is none yet."""
    for path in segment_files(layout.ledger_dir):
        if first_of(path) > position.sequence:
            return Position(first_of(path), first_of(path), HEADER_BYTES)
    return None


def is_whole(path: Path, stop: int) -> bool:
    """Whether a closed segment has its records up to `stop`, each as it was written. Raises Damaged, OSError."""
    first = read_header(path).first
    with path.open("rb") as file:
        scan = FrameScan(file, HEADER_BYTES, first)
        count = sum(1 for _ in scan)
    return scan.problem is None and scan.end == path.stat().st_size and first + count == stop


def _opened(path: Path, position: Position) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError as error:  # retention waits for us, so somebody else took it
        raise Damaged(path, position.offset, position.sequence, "the segment is gone") from error


def _next_segment(layout: Layout, position: Position, path: Path, problem: str | None) -> Position:
    behind = Position(position.sequence, position.sequence, HEADER_BYTES)
    if problem is not None or behind == position or not layout.segment(behind.segment).exists():
        told = problem or f"it ends before record {position.sequence}, which the checkpoint covers"
        raise Damaged(path, position.offset, position.sequence, told)
    return behind
