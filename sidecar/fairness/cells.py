"""What is counted of predictions: how many, how many positive, and the moments of their scores.

Numbers only, so that cells of several minutes, replicas or audit logs can be put together in any order. Counts merge
exactly; moments merge by the formula of Chan, Golub and LeVeque (1983), "Algorithms for Computing the Sample
Variance", The American Statistician 37 (3), which stays accurate where sums of squares do not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

SCORE_LIMIT = 1e100
"""Scores beyond it are not in the moments: their squares would overflow, and one of them would hide all others."""


@dataclass(slots=True)
class Moments:
    """How many scores there are, their mean, and the sum of their squared deviations from it (M2)."""

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0

    def add(self, score: float) -> None:
        """Counts one score (Welford's update)."""
        if not -SCORE_LIMIT <= score <= SCORE_LIMIT:  # also true of NaN
            return
        self.n += 1
        deviation = score - self.mean
        self.mean += deviation / self.n
        self.m2 += deviation * (score - self.mean)

    def merge(self, other: Moments) -> None:
        """Counts all that `other` has counted."""
        if not other.n:
            return
        if not self.n:
            self.n, self.mean, self.m2 = other.n, other.mean, other.m2
            return
        n = self.n + other.n
        deviation = other.mean - self.mean
        self.mean += deviation * (other.n / n)
        self.m2 += other.m2 + deviation * deviation * (self.n * other.n / n)
        self.n = n

    def merged(self, other: Moments) -> Moments:
        """Both together; neither changes."""
        both = Moments(self.n, self.mean, self.m2)
        both.merge(other)
        return both

    def variance(self) -> float | None:
        """The sample's variance (divided by n - 1), or None of fewer than two scores."""
        return self.m2 / (self.n - 1) if self.n > 1 else None

    def deviation(self) -> float | None:
        """The sample's standard deviation, or None of fewer than two scores."""
        variance = self.variance()
        return None if variance is None else sqrt(variance)


@dataclass(slots=True)
class Tally:
    """Predictions of one group: how many, how many of them positive, the moments of their scores.

    `classified` counts those of which it is known whether they are positive: all of them, where the model declares what
    positive means, else none. So `positive / classified` is a rate, and `n` is a number of predictions.
    """

    n: int = 0
    classified: int = 0
    positive: int = 0
    moments: Moments = field(default_factory=Moments)

    def add(self, score: float | None, positive: bool | None) -> None:
        """Counts one prediction; None where the model declares no score, or not what positive means."""
        self.n += 1
        if positive is not None:
            self.classified += 1
            self.positive += positive
        if score is not None:
            self.moments.add(score)

    def merge(self, other: Tally) -> None:
        """Counts all that `other` has counted."""
        self.n += other.n
        self.classified += other.classified
        self.positive += other.positive
        self.moments.merge(other.moments)

    def merged(self, other: Tally) -> Tally:
        """Both together; neither changes."""
        both = Tally(self.n, self.classified, self.positive, self.moments.merged(Moments()))
        both.merge(other)
        return both

    def positive_rate(self) -> float | None:
        """The share of positive ones among those classified, or None where there are none."""
        return self.positive / self.classified if self.classified else None

    def state(self) -> list[float]:
        """All of it as JSON-able numbers, which `from_state` takes."""
        moments = self.moments
        return [self.n, self.classified, self.positive, moments.n, moments.mean, moments.m2]

    @classmethod
    def from_state(cls, state: Sequence[float]) -> Tally:
        """The tally that `state()` wrote. Raises ValueError where there are not six numbers."""
        n, classified, positive, scored, mean, m2 = state
        return cls(int(n), int(classified), int(positive), Moments(int(scored), float(mean), float(m2)))


@dataclass(slots=True)
class Cell:
    """One group in one stretch of time: predictions that clients got, and those that they did not, apart."""

    released: Tally = field(default_factory=Tally)
    refused: Tally = field(default_factory=Tally)

    def add(self, score: float | None, positive: bool | None, *, released: bool) -> None:
        """Counts one prediction."""
        (self.released if released else self.refused).add(score, positive)

    def merge(self, other: Cell) -> None:
        """Counts all that `other` has counted."""
        self.released.merge(other.released)
        self.refused.merge(other.refused)

    def merged(self, other: Cell) -> Cell:
        """Both together; neither changes."""
        return Cell(self.released.merged(other.released), self.refused.merged(other.refused))

    def total(self) -> Tally:
        """All predictions, released or not."""
        return self.released.merged(self.refused)

    def state(self) -> list[list[float]]:
        """All of it as JSON-able numbers, which `from_state` takes."""
        return [self.released.state(), self.refused.state()]

    @classmethod
    def from_state(cls, state: Sequence[Sequence[float]]) -> Cell:
        """The cell that `state()` wrote. Raises ValueError where its shape is another."""
        released, refused = state
        return cls(Tally.from_state(released), Tally.from_state(refused))
