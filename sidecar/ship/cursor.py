"""How far a destination has acknowledged: one small file, replaced as a whole and only after an acknowledgement.

So a repeat after a crash is possible and a gap is not. Retention reads `next` and `open` of the same file.
"""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any, cast

import orjson

from sidecar.ledger.files import OsFiles
from sidecar.ledger.segments import HEADER_BYTES

if TYPE_CHECKING:
    from pathlib import Path

VERSION = 1

logger = logging.getLogger("sidecar.ship")


@dataclass(frozen=True, slots=True)
class Cursor:
    """What one destination has. All counts are of `log`, but for the totals, which outlive it.

    `next` is the first record not acknowledged; its frame is, or will be, at `offset` in the segment that begins with
    the record `segment`. `open`: INTENTs below `next` that wait for their OUTCOME. An archive has the full tiles of
    the tree of size `tiles`, and its newest checkpoint, got at `checkpoint_unix_s`, is of size `checkpoint`.
    """

    log: str
    next: int = 0
    segment: int = 0
    offset: int = HEADER_BYTES
    open: tuple[int, ...] = ()
    tiles: int = 0
    checkpoint: int = 0
    checkpoint_unix_s: int = 0
    shipped: int = 0
    rejected: int = 0
    conflicts: int = 0

    def started_over(self, log: str, first: int) -> Cursor:
        """A cursor that has nothing yet of a log whose oldest record is `first`; the totals go on."""
        return Cursor(
            log,
            next=first,
            segment=first,
            shipped=self.shipped,
            rejected=self.rejected,
            conflicts=self.conflicts,
        )


class CursorFile:
    """The file of one destination, `<folder>/<destination>.json`."""

    def __init__(self, folder: Path, destination: str) -> None:
        self.path = folder / f"{destination}.json"
        self._files = OsFiles(folder / f".{destination}.draft")

    def read(self) -> Cursor | None:
        """None where there is none yet. Raises ValueError for a file that is no cursor, OSError."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        return _parse(content)

    def write(self, cursor: Cursor) -> None:
        """Durable when it returns: a power cut must not bring an empty file, and with it everything once more."""
        self._files.publish(self.path, orjson.dumps({"v": VERSION, **asdict(cursor)}))


def open_cursor(file: CursorFile, log: str, first: int, size: int) -> Cursor:
    """The cursor in a file, or a new one, fit for the log as it is; says what is odd. Raises OSError."""
    try:
        found = file.read()
    except ValueError as error:
        logger.error("%s: starting over from the oldest record: %s", file.path, error)  # noqa: TRY400 - no defect of ours
        found = None
    cursor, told = resume(found, log, first, size)
    if told is not None:
        logger.error("%s: %s", file.path, told)
    if cursor != found:
        file.write(cursor)
    return cursor


def resume(found: Cursor | None, log: str, first: int, size: int) -> tuple[Cursor, str | None]:
    """Where to go on in a log that has the records from `first` up to `size`, and what is odd about it, if anything.

    What is repeated is told apart by the receiver; what would be left out is told here, and counted as rejected.
    """
    if found is None:
        return Cursor(log, next=first, segment=first), None
    if found.log != log:
        return found.started_over(log, first), f"the cursor is of the log {found.log}, and this is {log}: starting over"
    if max(found.next, found.tiles, found.checkpoint) > size:
        told = f"the cursor is at record {found.next}, and the log has only {size}: was it rolled back? Starting over"
        return found.started_over(log, first), told
    missed = first - min((found.next, *found.open))
    if missed > 0:
        kept = tuple(sequence for sequence in found.open if sequence >= first)
        after = replace(found, open=kept, rejected=found.rejected + missed)
        if found.next < first:
            after = replace(after, next=first, segment=first, offset=HEADER_BYTES)
        return after, f"records before {first} were deleted before they were shipped: {missed} at most are missing"
    return found, None


def _parse(content: bytes) -> Cursor:
    found = orjson.loads(content)
    values = cast("dict[str, Any]", found if isinstance(found, dict) else {})
    names = {field.name for field in fields(Cursor)}
    if set(values) != {"v", *names} or values.pop("v") != VERSION or not isinstance(values["open"], list):
        raise ValueError("not a cursor of this version")
    values["open"] = tuple(cast("list[object]", values["open"]))
    numbers = [value for name, value in values.items() if name not in ("log", "open")]
    if not isinstance(values["log"], str) or not all(map(_is_count, (*numbers, *values["open"]))):
        raise ValueError("a member of the cursor is not what it must be")
    return Cursor(**values)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
