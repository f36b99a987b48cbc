"""Simulated predictions for `bench/fairness`: who is asked about, and how many of them come out positive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

LIMIT = 1.5
PREDICTIONS = 10_000
CHANGE = 2_500
TICK = 5
"""Predictions counted at once, as in a second of a model that is asked five times a second."""
GROUPS = ("a", "b", "c", "d")
PAIR = (0.8, 0.2)
FOUR = (0.4, 0.25, 0.2, 0.15)


@dataclass(frozen=True, slots=True)
class Phase:
    """So many predictions with the same shares of groups and the same positive rates."""

    predictions: int
    shares: tuple[float, ...]
    rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of stream. `starts` is the prediction from which the limit is exceeded; None: it never is."""

    name: str
    phases: tuple[Phase, ...]
    starts: int | None = None
    median_goal: int | None = None

    @property
    def groups(self) -> tuple[str, ...]:
        """Their names."""
        return GROUPS[: len(self.phases[0].shares)]

    def ticks(self, rng: Generator) -> Iterator[dict[str, tuple[int, int]]]:
        """The stream, tick by tick."""
        for phase in self.phases:
            sizes = rng.multinomial(TICK, phase.shares, phase.predictions // TICK)
            positives = rng.binomial(sizes, phase.rates)
            for n, positive in zip(sizes.tolist(), positives.tolist(), strict=True):
                counts = zip(self.groups, n, positive, strict=True)
                yield {group: (size, hits) for group, size, hits in counts if size}


def _within(base: float, ratio: float) -> Scenario:
    return Scenario(f"{ratio:g} at base rate {base:g}", (Phase(PREDICTIONS, PAIR, (base, base / ratio)),))


def _beyond(ratio: float, goal: int | None, base: float = 0.6) -> Scenario:
    name = f"{ratio:g} at base rate {base:g}"
    return Scenario(name, (Phase(PREDICTIONS, PAIR, (base, base / ratio)),), 0, goal)


def _changing(ratio: float) -> Scenario:
    phases = Phase(CHANGE, PAIR, (0.6, 0.6)), Phase(PREDICTIONS - CHANGE, PAIR, (0.6, 0.6 / ratio))
    return Scenario(f"fair, from {CHANGE:,} on {ratio:g}", phases, CHANGE)


def _simpson() -> Scenario:
    """At every moment exactly at the limit; in the sums far beyond it, for when rates are high, few are of group b."""
    steps = 20
    phases: list[Phase] = []
    for step in range(steps):
        gone = step / (steps - 1)
        share, rate = 0.8 - 0.6 * gone, 0.3 + 0.6 * gone
        phases.append(Phase(PREDICTIONS // steps, (1 - share, share), (rate, rate / LIMIT)))
    return Scenario("1.5 throughout, shares and rates drift together (Simpson)", tuple(phases))


SCENARIOS = (
    *(_within(base, ratio) for base in (0.6, 0.3, 0.1) for ratio in (1.0, 1.25, 1.4, 1.5)),
    _simpson(),
    Scenario("four groups, two of them at 1.5", (Phase(PREDICTIONS, FOUR, (0.6, 0.6, 0.4, 0.4)),)),
    _beyond(1.8, 2_800),
    _beyond(2.0, 1_500),
    _beyond(2.5, 650),
    _beyond(2.5, None, base=0.3),
    _beyond(2.5, None, base=0.1),
    _changing(1.8),
    _changing(2.5),
    Scenario("four groups, the smallest at 2.5", (Phase(PREDICTIONS, FOUR, (0.6, 0.6, 0.6, 0.24)),), 0),
)
