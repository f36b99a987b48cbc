"""What is to be reached beside each peer, and whether it was."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench.comparison.stacks import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from bench.comparison.samples import Cell, Sample

ENVOY, SKIPPER = PEERS
NOTHING_CACHED = ("returning", "new")
CACHED = ("repeating",)


@dataclass(frozen=True, slots=True)
class Goal:
    """Our throughput as a multiple of the peer's, and our CPU a request as a share of its, where one is set."""

    ours: str
    series: tuple[str, ...]
    peer: str
    reach: float
    stretch: float
    cpu_reach: float | None = None
    cpu_stretch: float | None = None


GOALS = (
    Goal("embedded", NOTHING_CACHED, ENVOY, 1.2, 2.0, 0.5, 0.3),
    Goal("embedded", NOTHING_CACHED, SKIPPER, 0.8, 1.3),
    Goal("embedded-2", NOTHING_CACHED, ENVOY, 2.0, 3.0),
    Goal("embedded-2", NOTHING_CACHED, SKIPPER, 1.3, 2.0),
    Goal("embedded-2", CACHED, ENVOY, 2.5, 4.0),
    Goal("embedded-2", CACHED, SKIPPER, 1.7, 2.5),
    Goal("opa", CACHED, ENVOY, 1.2, 1.5),
    Goal("opa", CACHED, SKIPPER, 0.8, 1.0),
    Goal("opa-request", CACHED, ENVOY, 3.0, 4.0),
    Goal("opa-request", CACHED, SKIPPER, 2.0, 3.0),
)


@dataclass(frozen=True, slots=True)
class Ratio:
    """Ours beside one peer under one load: medians over the turns, each turn's figures taken next to one another."""

    goal: Goal
    cell: Cell
    against: str  # the peer's set-up that was faster
    throughput: float
    cpu: float

    @property
    def verdict(self) -> str:
        """`stretch`, `reached` or `missed`."""
        if self._meets(self.goal.stretch, self.goal.cpu_stretch):
            return "stretch"
        return "reached" if self._meets(self.goal.reach, self.goal.cpu_reach) else "missed"

    def _meets(self, throughput: float, cpu: float | None) -> bool:
        return self.throughput >= throughput and (cpu is None or self.cpu <= cpu)


def ratios(samples: Sequence[Sample]) -> Iterator[Ratio]:
    """Of every goal and load of which both sides were measured."""
    for goal in GOALS:
        for cell in dict.fromkeys(one.cell for one in samples):
            if cell.series in goal.series and cell.connections > 1 and (found := _ratio(goal, cell, samples)):
                yield found


def _ratio(goal: Goal, cell: Cell, samples: Sequence[Sample]) -> Ratio | None:
    ours = _of(goal.ours, cell, samples)
    theirs = {name: turns for name in PEERS[goal.peer] if (turns := _of(name, cell, samples))}
    if not ours or not theirs:
        return None
    name = max(theirs, key=lambda each: median(one.requests_per_s for one in theirs[each]))
    pairs = list(zip(ours, theirs[name], strict=True))
    return Ratio(
        goal,
        cell,
        name,
        median(own.requests_per_s / other.requests_per_s for own, other in pairs),
        median(own.total_cpu_us / max(other.total_cpu_us, 1e-9) for own, other in pairs),
    )


def _of(stack: str, cell: Cell, samples: Sequence[Sample]) -> list[Sample]:
    return [one for one in samples if one.stack == stack and one.cell == cell]
