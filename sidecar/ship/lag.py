"""How far behind each destination is, read from its cursor and the log: it shows also when the shipper is dead."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sidecar.audit.heads import time_of
from sidecar.ledger.reading import read_frame
from sidecar.ledger.segments import HEADER_BYTES, first_of, segment_files
from sidecar.ship.tail import Position, extent_of, position_of

if TYPE_CHECKING:
    from sidecar.ledger.layout import Layout
    from sidecar.ship.cursor import Cursor
    from sidecar.ship.tail import Extent


@dataclass(frozen=True, slots=True)
class Lag:
    """What is due and not acknowledged: so many records, the oldest so old."""

    records: int
    age_s: float


def collector_lag(layout: Layout, cursor: Cursor | None, now_unix_s: float) -> Lag:
    """Everything below the newest checkpoint is due, as it is of the archive at the end. Raises Damaged, OSError."""
    extent = extent_of(layout)
    if extent is None:
        return Lag(0, 0.0)
    position = _position(cursor, extent)
    return Lag(max(extent.size - position.sequence, 0), _age_s(layout, position, extent.size, now_unix_s))


def archive_lag(layout: Layout, cursor: Cursor | None, now_unix_s: float) -> Lag:
    """Closed segments are due. The oldest is as old as the first record that came after it. Raises Damaged, OSError."""
    extent = extent_of(layout)
    if extent is None:
        return Lag(0, 0.0)
    behind = _position(cursor, extent).sequence
    files = segment_files(layout.ledger_dir)
    closed = [first_of(follower) for _, follower in pairwise(files) if behind < first_of(follower) <= extent.size]
    if not closed:
        return Lag(0, 0.0)
    after = Position(closed[0], closed[0], HEADER_BYTES)
    return Lag(closed[-1] - behind, _age_s(layout, after, extent.size, now_unix_s))


def checkpoint_age_s(layout: Layout, cursor: Cursor | None, now_unix_s: float) -> float:
    """How long the archive's newest checkpoint has not been the newest; of an archive without any, since the epoch.

    So also where the clock was set back since.
    """
    extent = extent_of(layout)
    if extent is None:
        return 0.0
    ours = cursor if cursor is not None and cursor.log == extent.log else None
    if ours is not None and ours.checkpoint == extent.size:
        return 0.0
    if ours is None or ours.checkpoint_unix_s > now_unix_s:
        return now_unix_s  # the clock was set back: how long is not known, and not to be called short
    return now_unix_s - ours.checkpoint_unix_s


def _position(cursor: Cursor | None, extent: Extent) -> Position:
    """A cursor of another log tells nothing of this one."""
    if cursor is None or cursor.log != extent.log:
        return Position(extent.first, extent.first, HEADER_BYTES)
    return position_of(cursor)


def _age_s(layout: Layout, position: Position, size: int, now_unix_s: float) -> float:
    """Of the record at a position, which may be the first of the segment after; 0 where it is not due."""
    if position.sequence >= size:
        return 0.0
    for segment, offset in ((position.segment, position.offset), (position.sequence, HEADER_BYTES)):
        record = read_frame(layout.segment(segment), offset, position.sequence)
        if record is not None:
            return max(now_unix_s - time_of(record) / 1e9, 0.0)
    return 0.0
