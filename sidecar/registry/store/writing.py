"""One change: a transaction with its author, time and sequence, its lines of history, and the documents it touches."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from sidecar.bundles.manifest import next_sequence
from sidecar.registry.store import many, tables
from sidecar.registry.store.bodies import check_text

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from sidecar.model.clock import Clock
    from sidecar.registry.values import Author, Json

LINES_AT_ONCE = 1_000
"""Lines of history that wait in memory before they are written."""


class Touched(enum.StrEnum):
    """The documents that bundles are made of: see `tables.document`."""

    DATA = "data"
    RECENT = "revocations"
    EARLIER = "revocations-earlier"


class Writing:
    """A change as it is being made. It holds the lock of all writers, so what it reads stays as it is.

    `sequence` rises from change to change, whoever makes them and whatever their clocks say. A change that comes to
    nothing leaves no trace. Raises `Invalid` for an author whom no database can name.
    """

    def __init__(self, connection: Connection, clock: Clock, by: Author, token_life_s: float) -> None:
        check_text(by.subject)
        self.connection = connection
        self.by = by
        self.token_life_s = token_life_s
        head = connection.execute(select(tables.head).with_for_update()).one()
        self.bulk: int = head.bulk
        self.bulk_unix_s: float = head.bulk_unix_s
        self.unix_s = clock.unix_s()
        self.sequence = next_sequence(head.sequence, self.unix_s)
        self._number: int = head.number
        self._lines: list[Json] = []
        self._touched: set[Touched] = set()

    def note(self, action: str, kind: str, key: str, before: Json | None, after: Json | None) -> None:
        """A line of history."""
        self._number += 1
        bodies = {"before": many.text(before), "after": many.text(after)}
        self._lines.append({"number": self._number, "action": action, "kind": kind, "key": key, **bodies})
        if len(self._lines) == LINES_AT_ONCE:
            self._flush()

    def line(self) -> Json:
        """What all lines of this change have in common."""
        return {"sequence": self.sequence, "unix_s": self.unix_s, "by": self.by.subject}

    @property
    def number(self) -> int:
        """Of the last line."""
        return self._number

    def noted(self, count: int) -> None:
        """That many lines were written otherwise, with the numbers behind `number`."""
        self._flush()
        self._number += count

    def touch(self, *documents: Touched) -> None:
        """Their content is another one after this change."""
        self._touched.update(documents)

    def number_bulk(self, number: int) -> None:
        """The newest bulk of revocations is this one from now on."""
        self.bulk, self.bulk_unix_s = number, self.unix_s

    def close(self) -> None:
        """All that was noted is written; before the commit."""
        self._flush()
        newest = {"sequence": self.sequence, "number": self._number}
        bulk = {"bulk": self.bulk, "bulk_unix_s": self.bulk_unix_s}
        self.connection.execute(update(tables.head).where(tables.head.c.number < self._number).values(**newest, **bulk))
        if self._touched:
            self.connection.execute(
                update(tables.document)
                .where(tables.document.c.name.in_(sorted(self._touched)))
                .values(sequence=self.sequence, changed_unix_s=self.unix_s)
            )

    def _flush(self) -> None:
        if self._lines:
            many.insert(self.connection, tables.history, self._lines, self.line())
            self._lines = []
