"""What the log knows by heart: where the records of recent decisions are, and which exchanges are open."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from sidecar.audit.heads import decision_of, kind_of, time_of
from sidecar.audit.port import Kind

RECENT_DECISIONS = 4_096
"""About 2 MiB."""


class Place(NamedTuple):
    """Where a record is: its segment's first sequence, its frame's offset in bytes, its own sequence."""

    segment: int
    offset: int
    sequence: int


class Recent:
    """Places by decision id; beyond `limit` the oldest decision is forgotten. Open exchanges are never forgotten."""

    def __init__(self, limit: int = RECENT_DECISIONS) -> None:
        self._limit = limit
        self._places: OrderedDict[str, tuple[Place, ...]] = OrderedDict()
        self._open: dict[str, Place] = {}
        self._last: bytes | None = None

    def __call__(self, sequence: int, place: tuple[int, int], record: bytes) -> None:
        """Takes note of a record that was there before; see `ledger.recovery.Recall`."""
        self._last = record
        decision_id = decision_of(record)
        if decision_id is not None:
            self.add(kind_of(record), decision_id, Place(*place, sequence))

    def add(self, kind: str, decision_id: str, place: Place) -> None:
        """Takes note of a record, in the log's order."""
        known = self._places.get(decision_id, ())
        self._places[decision_id] = (*known, place)
        if len(self._places) > self._limit:
            self._places.popitem(last=False)
        if kind == Kind.INTENT:
            self._open[decision_id] = place
        elif kind == Kind.OUTCOME:
            self._open.pop(decision_id, None)

    def last_unix_ns(self) -> int:
        """When the last record that was there before was made; 0 without any."""
        return 0 if self._last is None else time_of(self._last)

    def places(self, decision_id: str) -> tuple[Place, ...]:
        """Where the records of a decision are; empty for one that is unknown or forgotten."""
        return self._places.get(decision_id, ())

    @property
    def open(self) -> dict[str, Place]:
        """Each INTENT without an OUTCOME, by its decision id, oldest first."""
        return self._open

    def oldest_open(self) -> int | None:
        """The sequence of the oldest of them."""
        return next((place.sequence for place in self._open.values()), None)
