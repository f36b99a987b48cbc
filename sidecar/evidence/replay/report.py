"""What a replay found: totals over all records looked at, the differences, and what could not be replayed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sidecar.evidence.replay.compare import ORDER, Change, Difference
from sidecar.evidence.replay.rows import MEANINGS, Json, Place, Why

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.evidence.replay.rows import Skipped, Undecided

DIFFERENCES_LIMIT = 1_000
"""Differences kept of each kind of change, the first in the ledger's order; all are counted."""
GROUPS_LIMIT = 1_000
"""Rows of each table; whatever would be another is counted in one row named `other`."""
EXAMPLES = 3
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Changed:
    """Differences of one kind, by rule, model and group. `examples`: decision ids."""

    change: Change
    rule: str
    model: str
    group: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NotReplayed:
    """Records that could not be replayed for one reason. `detail`: which policy, value or code."""

    why: Why
    detail: str
    count: int
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """A replay's findings. `records` = `same` + `different` + `not_replayed` + all of `undecided`.

    `candidate` is the revision of the policy that was tried, None for the recorded ones; `base` that of the policy
    whose decisions it is compared with, None for those on record; `engines` counts replayed decisions by engine,
    `undecided` records that hold no decision by what they are.
    """

    candidate: str | None
    records: int
    same: int
    differences: int
    not_replayed: int
    undecided: Mapping[str, int]
    engines: Mapping[str, int]
    changed: tuple[Changed, ...]
    listed: tuple[Difference, ...]
    obstacles: tuple[NotReplayed, ...]
    base: str | None = None

    @property
    def replayed(self) -> int:
        """Decisions that were made again."""
        return self.same + self.differences

    @property
    def is_clean(self) -> bool:
        """No difference, and not only because nothing was replayed."""
        return not self.differences and self.replayed > 0

    def count(self, change: Change) -> int:
        """Differences of one kind."""
        return sum(row.count for row in self.changed if row.change is change)

    def as_json(self) -> Json:
        """One document, for machines."""
        return {
            "policy": self.candidate or "recorded",
            "against": self.base or "recorded",
            "records": self.records,
            "replayed": self.replayed,
            "same": self.same,
            "different": {"total": self.differences, **{change.value: self.count(change) for change in Change}},
            "not_replayed": self.not_replayed,
            "undecided": dict(self.undecided),
            "engines": dict(self.engines),
            "changed": [
                {
                    "change": row.change.value,
                    "rule": row.rule,
                    "model": row.model,
                    "group": row.group,
                    "count": row.count,
                    "examples": list(row.examples),
                }
                for row in self.changed
            ],
            "differences": [one.as_json() for one in self.listed],
            "differences_not_listed": self.differences - len(self.listed),
            "obstacles": [
                {
                    "why": row.why.value,
                    "meaning": MEANINGS[row.why],
                    "detail": row.detail,
                    "count": row.count,
                    "examples": list(row.examples),
                }
                for row in self.obstacles
            ],
        }


@dataclass(slots=True)
class _Line:
    count: int = 0
    examples: list[str] = field(default_factory=list[str])

    def add(self, place: Place) -> None:
        self.count += 1
        if place.decision_id and len(self.examples) < EXAMPLES:
            self.examples.append(place.decision_id)


class Tally:
    """A report in the making, of bounded size."""

    def __init__(self) -> None:
        self.records = 0
        self._same = 0
        self._undecided: Counter[str] = Counter()
        self._engines: Counter[str] = Counter()
        self._changed: dict[tuple[Change, str, str, str], _Line] = {}
        self._listed: dict[Change, list[Difference]] = {change: [] for change in Change}
        self._obstacles: dict[tuple[Why, str], _Line] = {}

    def undecided(self, found: Undecided) -> None:
        """A record without a decision."""
        self._undecided[found.what] += 1

    def skipped(self, found: Skipped) -> None:
        """A record that is not replayed."""
        key = (found.why, found.detail)
        if key not in self._obstacles and len(self._obstacles) >= GROUPS_LIMIT:
            key = (found.why, OTHER)
        self._obstacles.setdefault(key, _Line()).add(found.place)

    def replayed(self, engine: str, found: Difference | None) -> None:
        """A decision that was made again."""
        self._engines[engine] += 1
        if found is None:
            self._same += 1
            return
        if len(self._listed[found.change]) < DIFFERENCES_LIMIT:
            self._listed[found.change].append(found)
        key = (found.change, ", ".join(found.rules), found.place.model, found.place.group)
        if key not in self._changed and len(self._changed) >= GROUPS_LIMIT:
            key = (found.change, OTHER, OTHER, OTHER)
        self._changed.setdefault(key, _Line()).add(found.place)

    def report(self, candidate: str | None, base: str | None = None) -> Report:
        """What there is so far."""
        changed = [Changed(*key, line.count, tuple(line.examples)) for key, line in self._changed.items()]
        obstacles = [NotReplayed(*key, line.count, tuple(line.examples)) for key, line in self._obstacles.items()]
        return Report(
            candidate=candidate,
            records=self.records,
            same=self._same,
            differences=sum(row.count for row in changed),
            not_replayed=sum(row.count for row in obstacles),
            undecided=dict(sorted(self._undecided.items())),
            engines=dict(sorted(self._engines.items())),
            changed=tuple(sorted(changed, key=_gravest)),
            listed=tuple(one for change in Change for one in self._listed[change]),
            obstacles=tuple(sorted(obstacles, key=lambda row: (-row.count, row.why, row.detail))),
            base=base,
        )


def _gravest(row: Changed) -> tuple[int, int, str, str, str]:
    return ORDER[row.change], -row.count, row.rule, row.model, row.group
