"""The destination `otlp`: exchanges as spans, everything else as log records, to an OpenTelemetry collector."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged
from sidecar.ship.cursor import open_cursor
from sidecar.ship.delivery import Delivery
from sidecar.ship.destination import OTLP
from sidecar.ship.encode import Encoder
from sidecar.ship.exchanges import Exchanges, Unreadable
from sidecar.ship.tail import beyond, extent_of, follow, position_of

if TYPE_CHECKING:
    from sidecar.ledger.layout import Layout
    from sidecar.ship.cursor import Cursor, CursorFile
    from sidecar.ship.delivery import Sender
    from sidecar.ship.exchanges import Item
    from sidecar.ship.tail import Extent, Position

BATCH_RECORDS = 1_024
BATCH_BYTES = 2 * 1024 * 1024
"""Of records; as spans they take less."""

logger = logging.getLogger("sidecar.ship")


@dataclass(frozen=True, slots=True)
class _Batch:
    delivery: Delivery
    behind: Position
    open: tuple[int, ...]
    unreadable: int


class OtlpDestination:
    """Ships one slot's log. Its cursor moves when the collector has answered for the whole of a batch."""

    name = OTLP

    def __init__(self, layout: Layout, cursor_file: CursorFile, sender: Sender, version: str) -> None:
        self._layout = layout
        self._cursor_file = cursor_file
        self._sender = sender
        self._version = version
        self._exchanges = Exchanges()
        self._encoder: Encoder | None = None
        self._cursor: Cursor | None = None
        self._batch: _Batch | None = None

    def round(self, *, is_last: bool) -> bool:
        """One batch. See `Destination`."""
        del is_last  # what is due is the same
        extent = extent_of(self._layout)
        if extent is None:
            return False
        if self._cursor is None or self._encoder is None:
            self._cursor = self._resume(extent)
            self._encoder = Encoder(extent.log, self._version)
        if self._cursor.next == extent.size:
            return False
        if self._batch is None:
            try:
                self._batch = self._read(self._cursor, extent.size)
            except (Damaged, OSError):
                self._cursor = None  # what is open was read up to there: the next round reads it anew
                raise
        self._batch.delivery.run(self._sender, self._encoder)
        self._cursor = self._acknowledge(self._cursor, self._batch)
        self._batch = None
        return self._cursor.next < extent.size

    def _resume(self, extent: Extent) -> Cursor:
        """The cursor, and the INTENTs that it says are open."""
        cursor = open_cursor(self._cursor_file, extent.log, extent.first, extent.size)
        self._exchanges = Exchanges()
        waiting = set(cursor.open)
        if waiting:
            for entry in entries(self._layout.ledger_dir, min(waiting), max(waiting) + 1):
                if entry.sequence in waiting:
                    self._exchanges.wait(entry.record)
        return cursor

    def _read(self, cursor: Cursor, size: int) -> _Batch:
        items: list[Item] = []
        behind, read_bytes, unreadable = position_of(cursor), 0, 0
        try:
            for record, behind in follow(self._layout, behind, size):  # noqa: B020 - it goes on from where it begins
                try:
                    items += self._exchanges.take(record)
                except Unreadable as error:
                    unreadable += 1
                    logger.error(  # noqa: TRY400 - the message says all
                        "otlp: record %d stays on record and is not shipped: %s", behind.sequence - 1, error
                    )
                read_bytes += len(record)
                if behind.sequence - cursor.next >= BATCH_RECORDS or read_bytes >= BATCH_BYTES:
                    break
        except Damaged as damage:
            if behind == position_of(cursor):
                return self._beyond(behind, damage)
        return _Batch(Delivery(items), behind, self._exchanges.open, unreadable)

    def _beyond(self, position: Position, damage: Damaged) -> _Batch:
        """Leaves out what cannot be read: trying again will not mend it, and more is due. Raises Damaged."""
        behind = beyond(self._layout, position)
        if behind is None:
            raise damage
        lost = behind.sequence - position.sequence
        logger.error(
            "otlp: %d records from %d on are not shipped, nor the %d exchanges open there: %s (`sidecar audit verify`)",
            *(lost, position.sequence, len(self._exchanges.open), damage),
        )
        lost += len(self._exchanges.open)
        self._exchanges = Exchanges()
        return _Batch(Delivery([]), behind, (), lost)

    def _acknowledge(self, cursor: Cursor, batch: _Batch) -> Cursor:
        after = replace(
            cursor,
            next=batch.behind.sequence,
            segment=batch.behind.segment,
            offset=batch.behind.offset,
            open=batch.open,
            shipped=cursor.shipped + batch.delivery.shipped,
            rejected=cursor.rejected + batch.delivery.rejected + batch.unreadable,
        )
        self._cursor_file.write(after)
        return after
