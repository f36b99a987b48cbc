"""Reading a log's records in order, in bounded memory, also while a sidecar writes them.

What is not yet under the newest checkpoint may still be torn off by a crash of the machine; whoever passes
records on takes only those below its size.
"""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.frames import FRAME_LIMIT_BYTES, FrameScan, is_followed_up
from sidecar.ledger.segments import HEADER_BYTES, Damaged, first_of, read_header, segment_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OVERLAP_BYTES = 64
"""More than what is searched for, so that it is found where two chunks meet."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Entry:
    """One record and its place: `offset` is that of its frame in the segment, in bytes."""

    sequence: int
    record: bytes
    segment: Path
    offset: int


def entries(ledger_dir: Path, start: int = 0, stop: int | None = None) -> Iterator[Entry]:
    """Records from `start` up to `stop` (or the end), but for those that retention has deleted.

    A torn tail ends the log; anything else that is wrong raises `Damaged`.
    """
    files = segment_files(ledger_dir)
    for number, path in enumerate(files):
        follower = files[number + 1] if number + 1 < len(files) else None
        if follower is not None and first_of(follower) <= start:
            continue
        if stop is not None and first_of(path) >= stop:
            return
        with contextlib.suppress(FileNotFoundError):  # retention was here
            for entry in _of_segment(path, follower):
                if stop is not None and entry.sequence >= stop:
                    return
                if entry.sequence >= start:
                    yield entry


def first_sequence(ledger_dir: Path) -> int:
    """The oldest record still here (or, in an empty log, the first that will be)."""
    files = segment_files(ledger_dir)
    return first_of(files[0]) if files else 0


def find(ledger_dir: Path, decision_id: str) -> list[Entry]:
    """The records of one decision, in order: searches the bytes of all segments."""
    needle = b'"decision_id":"%s"' % decision_id.encode()
    found: list[Entry] = []
    for path in segment_files(ledger_dir):
        if _contains(path, needle):
            follower = _follower(ledger_dir, path)
            with contextlib.suppress(FileNotFoundError):  # retention was here
                found += [entry for entry in _of_segment(path, follower) if needle in entry.record]
    return found


def read_frame(path: Path, offset: int, sequence: int) -> bytes | None:
    """The record whose frame begins at an offset; None where it is no longer there."""
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # retention was here
        file.seek(offset)
        alone = io.BytesIO(file.read(FRAME_LIMIT_BYTES))  # or the scan would look at all that is reserved behind it
        return next((found.record for found in FrameScan(alone, 0, sequence)), None)
    return None


def record_mark(log_id: str) -> bytes:
    """What every record of a log begins with (contract 7)."""
    return b'{"v":1,"log":"%s",' % log_id.encode()


def check_tail(path: Path, scan: FrameScan, sequence: int, log_id: str) -> None:
    """Raises `Damaged` where what ended the newest segment is more than a commit that was cut off."""
    if scan.problem is None:
        return
    with path.open("rb") as file:
        file.seek(scan.end)
        behind = file.read()
        if any(True for _ in FrameScan(file, scan.end, sequence)):
            return  # a sidecar was just writing it
    if is_followed_up(behind, record_mark(log_id), sequence):
        raise Damaged(path, scan.end, sequence, f"{scan.problem}, and records follow that were written later")


def _of_segment(path: Path, follower: Path | None) -> Iterator[Entry]:
    header = read_header(path)
    sequence = header.first
    with path.open("rb") as file:
        scan = FrameScan(file, HEADER_BYTES, sequence)
        for found in scan:
            yield Entry(found.sequence, found.record, path, found.offset)
            sequence = found.sequence + 1
    if follower is None:
        check_tail(path, scan, sequence, header.log_id)
    elif scan.problem is not None or sequence != first_of(follower):
        what = (
            scan.problem or f"it ends before record {sequence}, and the next segment begins with {first_of(follower)}"
        )
        raise Damaged(path, scan.end, sequence, what)


def _follower(ledger_dir: Path, path: Path) -> Path | None:
    return next((other for other in segment_files(ledger_dir) if other.name > path.name), None)


def _contains(path: Path, needle: bytes) -> bool:
    with contextlib.suppress(FileNotFoundError), path.open("rb") as file:  # retention was here
        tail = b""
        while chunk := file.read(_CHUNK_BYTES):
            if needle in tail + chunk:
                return True
            tail = chunk[-_OVERLAP_BYTES:]
    return False
