"""Minutes of cells of one model and version, and their sums over spans.

A minute holds the cells of each replica apart: a replica's own word on its own minute is absolute, and replaces what it
said before. Sums are put together from minutes and never taken apart again, so that nothing drifts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sidecar.fairness.cells import Cell, Tally
from sidecar.fairness.window import MINUTE_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HOUR_MINUTES = 60

Cells = dict[str, Cell]
"""By group."""


def merge(into: Cells, cells: Mapping[str, Cell]) -> None:
    """Adds `cells` to `into`, group by group."""
    for group, cell in cells.items():
        mine = into.get(group)
        if mine is None:
            mine = into[group] = Cell()
        mine.merge(cell)


def total(parts: Iterable[Mapping[str, Cell]]) -> Cells:
    """All of them together."""
    cells: Cells = {}
    for part in parts:
        merge(cells, part)
    return cells


@dataclass(slots=True)
class _Hour:
    """Sixty minutes, and their sum while none of them has changed."""

    minutes: dict[int, dict[str, Cells]] = field(default_factory=dict[int, dict[str, Cells]])
    sum: Cells | None = None

    def cells(self) -> Cells:
        if self.sum is None:
            self.sum = total(cells for minute in self.minutes.values() for cells in minute.values())
        return self.sum

    def cells_since(self, first: int) -> Cells:
        return total(
            cells for minute, replicas in self.minutes.items() if minute >= first for cells in replicas.values()
        )


class Buckets:
    """The minutes of the last `span_s` seconds. Minutes beyond the present are kept: a clock that steps back loses
    nothing, and they expire as far in the future as in the past."""

    def __init__(self, replica: str, span_s: int) -> None:
        self._replica = replica
        self._span_s = span_s
        self._hours: dict[int, _Hour] = {}
        self._sums: dict[str, Tally] | None = None
        self._first = 0  # minute of the longest span

    def add(self, minute: int, group: str, score: float | None, positive: bool | None, *, released: bool) -> None:
        """Counts one prediction of our own."""
        hour = self._hour(minute)
        replicas = hour.minutes.get(minute)
        if replicas is None:
            replicas = hour.minutes[minute] = {}
        own = replicas.get(self._replica)
        if own is None:
            own = replicas[self._replica] = {}
        cell = own.get(group)
        if cell is None:
            cell = own[group] = Cell()
        cell.add(score, positive, released=released)
        hour.sum = None
        if self._sums is not None and minute >= self._first:
            tally = self._sums.get(group)
            if tally is None:
                tally = self._sums[group] = Tally()
            tally.add(score, positive)

    def put(self, minute: int, replica: str, cells: Cells) -> None:
        """Takes a replica's word on one minute."""
        hour = self._hour(minute)
        hour.minutes.setdefault(minute, {})[replica] = cells
        hour.sum = None
        self._sums = None

    def of(self, minute: int) -> Mapping[str, Cells]:
        """What each replica says of a minute."""
        hour = self._hours.get(minute // HOUR_MINUTES)
        return hour.minutes.get(minute, {}) if hour is not None else {}

    def minutes(self) -> list[int]:
        """All minutes that hold anything."""
        return [minute for hour in self._hours.values() for minute in hour.minutes]

    def __len__(self) -> int:
        return sum(len(hour.minutes) for hour in self._hours.values())

    def sums(self) -> Mapping[str, Tally]:
        """All groups over the longest span, as of the last `turn`: released or not, as rules see them."""
        if self._sums is None:
            self._sums = {group: cell.total() for group, cell in self._sum_since(self._first).items()}
        return self._sums

    def over(self, span_s: int, now_unix_s: float) -> Cells:
        """All groups over the last `span_s` seconds, to the minute."""
        return self._sum_since(first_minute(now_unix_s, span_s))

    def turn(self, now_unix_s: float) -> bool:
        """Drops what has expired, once a minute; True where sums may have changed."""
        first = first_minute(now_unix_s, self._span_s)
        if first == self._first:
            return False
        self._first = first
        self._sums = None
        last = first + 2 * self._span_s // MINUTE_S
        for number, hour in list(self._hours.items()):
            if first <= number * HOUR_MINUTES and (number + 1) * HOUR_MINUTES <= last:
                continue
            for minute in [minute for minute in hour.minutes if not first <= minute < last]:
                del hour.minutes[minute]
                hour.sum = None
            if not hour.minutes:
                del self._hours[number]
        return True

    def is_expired(self, minute: int) -> bool:
        """Whether a minute lies before the longest span, as of the last `turn`."""
        return minute < self._first

    def _hour(self, minute: int) -> _Hour:
        number = minute // HOUR_MINUTES
        hour = self._hours.get(number)
        if hour is None:
            hour = self._hours[number] = _Hour()
        return hour

    def _sum_since(self, first: int) -> Cells:
        return total(
            hour.cells() if number * HOUR_MINUTES >= first else hour.cells_since(first)
            for number, hour in self._hours.items()
        )


def first_minute(now_unix_s: float, span_s: int) -> int:
    """The first minute that lies wholly in the last `span_s` seconds, the current one included."""
    return int(now_unix_s // MINUTE_S) - span_s // MINUTE_S + 1
