"""Rules, models and modes beside what they came to: one table, for people and for machines. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.evidence.printable import printable
from sidecar.evidence.would_deny import ModelCount, RuleCount

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sidecar.evidence.would_deny import WouldDeny

Modes = dict[str, dict[str, str]]
"""By model and rule."""
UNKNOWN = "unknown"
ALL_SHADOW = "shadow (all)"
"""The sidecar itself runs in mode shadow: what its rules refuse is forwarded."""


@dataclass(frozen=True, slots=True)
class Row:
    """One rule of one model. `modes`: how many sidecars have it in each; `judged`: exchanges of the model."""

    model: str
    rule: str
    modes: Mapping[str, int]
    judged: int
    would_deny: int
    refused: int

    @property
    def would_deny_rate(self) -> float | None:
        """Of the exchanges that were judged; None: there were none."""
        return self.would_deny / self.judged if self.judged else None

    def as_json(self) -> dict[str, object]:
        """For machines."""
        return {
            "model": self.model,
            "rule": self.rule,
            "modes": dict(self.modes),
            "judged": self.judged,
            "would_deny": self.would_deny,
            "would_deny_rate": self.would_deny_rate,
            "refused": self.refused,
        }


def rows(modes: Sequence[Modes], counts: WouldDeny) -> list[Row]:
    """A row for each rule that a sidecar names or that failed. `modes`: of each sidecar."""
    said: dict[tuple[str, str], Counter[str]] = {}
    for each in modes:
        for model, rules in each.items():
            for rule, mode in rules.items():
                said.setdefault((model, rule), Counter())[mode] += 1
    for model, count in counts.models.items():
        for rule in count.rules:
            said.setdefault((model, rule), Counter({UNKNOWN: 1}))
    return [_row(*place, said[place], counts.models.get(place[0], ModelCount())) for place in sorted(said)]


def _row(model: str, rule: str, modes: Counter[str], count: ModelCount) -> Row:
    found = count.rules.get(rule, RuleCount())
    return Row(model, rule, dict(sorted(modes.items())), count.judged, found.would_deny, found.refused)


def table(found: Iterable[Row]) -> str:
    """For people. Model and rule stand at the left, numbers at the right."""
    head = ("model", "rule", "mode", "judged", "would deny", "rate", "refused")
    lines = [head, *(_cells(row) for row in found)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(_aligned(line, widths)).rstrip() for line in lines)


def _cells(row: Row) -> tuple[str, ...]:
    modes = [mode if len(row.modes) == 1 else f"{mode} ({count})" for mode, count in row.modes.items()]
    rate = "-" if row.would_deny_rate is None else f"{row.would_deny_rate:.2%}"
    numbers = (f"{row.judged:,}", f"{row.would_deny:,}", rate, f"{row.refused:,}")
    return (printable(row.model), printable(row.rule), ", ".join(modes), *numbers)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        yield cell.ljust(width) if number < 3 else cell.rjust(width)
