"""Fairness metrics of counts, by their names in Fairlearn, each with an interval.

All are about one look at a fixed sample. They are shown; what acts is the test in `eprocess`, which may be looked at
again and again.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, inf, log, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.fairness.cells import Tally

CONFIDENCE = 0.95
LEAST_IN_CELL = 5
"""Of positive and of negative ones, in each of two groups, before a ratio is told."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share: how many of how many. Equal to Fairlearn's `selection_rate`, `true_positive_rate` and their like."""

    of: int
    hits: int

    @property
    def value(self) -> float:
        """The share; 0 of none, as Fairlearn has it."""
        return self.hits / self.of if self.of else 0.0

    def interval(self, confidence: float = CONFIDENCE) -> tuple[float, float]:
        """Wilson's score interval (E. B. Wilson, 1927)."""
        if not self.of:
            return 0.0, 1.0
        z, n, share = _z(confidence), self.of, self.value
        center = (share + z * z / (2 * n)) / (1 + z * z / n)
        margin = z / (1 + z * z / n) * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        # Of none and of all the bound is exactly 0 and 1, which rounding may miss.
        low = 0.0 if not self.hits else max(0.0, center - margin)
        return low, 1.0 if self.hits == n else min(1.0, center + margin)


@dataclass(frozen=True, slots=True)
class Confusion:
    """Predictions whose truth has come in: a group's confusion matrix."""

    true_positive: int = 0
    false_positive: int = 0
    true_negative: int = 0
    false_negative: int = 0

    def counted(self, *, positive: bool, label: bool) -> Confusion:
        """With one prediction more."""
        return Confusion(
            self.true_positive + (positive and label),
            self.false_positive + (positive and not label),
            self.true_negative + (not positive and not label),
            self.false_negative + (not positive and label),
        )

    def true_positive_rate(self) -> Rate:
        """Of those who deserved it, the share that got it."""
        return Rate(self.true_positive + self.false_negative, self.true_positive)

    def false_positive_rate(self) -> Rate:
        """Of those who did not deserve it, the share that got it."""
        return Rate(self.false_positive + self.true_negative, self.false_positive)


@dataclass(frozen=True, slots=True)
class Metric:
    """A comparison of two groups, the one with the highest rate and the one with the lowest.

    `lower` and `upper` take these two as given; chosen for being furthest apart, they are so a little less in truth.
    """

    value: float
    lower: float
    upper: float
    favoured: str
    disfavoured: str


@dataclass(frozen=True, slots=True)
class Impact:
    """Disparate impact: the highest positive rate over the lowest, each smoothed by half a prediction of either kind.

    At least 1, and more is worse: the inverse of Fairlearn's demographic parity ratio. AIF360's disparate impact is
    unprivileged over privileged, so it cannot tell which of the two is worse off.
    """

    ratio: float
    lower: float
    upper: float
    favoured: str
    disfavoured: str


def positive_rates(tallies: Mapping[str, Tally]) -> dict[str, Rate]:
    """By group, of which there is any prediction."""
    return {group: Rate(one.classified, one.positive) for group, one in tallies.items() if one.classified}


def impact(tallies: Mapping[str, Tally]) -> Impact | None:
    """Disparate impact among groups with at least 5 positive and 5 negative predictions; None of fewer than two such.

    The interval is Katz's (1978) on the logarithm, with the same smoothing.
    """
    counts = {
        group: (one.positive + 0.5, one.classified + 1)
        for group, one in tallies.items()
        if min(one.positive, one.classified - one.positive) >= LEAST_IN_CELL
    }
    if len(counts) < 2:
        return None
    rates = {group: positive / n for group, (positive, n) in counts.items()}
    high, low = _extremes(rates)
    margin = exp(_z(CONFIDENCE) * sqrt(sum(1 / k - 1 / n for k, n in (counts[high], counts[low]))))
    ratio = rates[high] / rates[low]
    return Impact(ratio, ratio / margin, ratio * margin, high, low)


def demographic_parity_difference(rates: Mapping[str, Rate]) -> Metric | None:
    """The highest positive rate less the lowest; None of fewer than two groups."""
    return _difference(rates)


def demographic_parity_ratio(rates: Mapping[str, Rate]) -> Metric | None:
    """The lowest positive rate over the highest, at most 1; None of fewer than two groups, or where all are 0."""
    if len(rates) < 2:
        return None
    high, low = _extremes({group: rate.value for group, rate in rates.items()})
    if not rates[high].hits:
        return None
    ratio = rates[low].value / rates[high].value
    lower, upper = _katz(rates[low], rates[high])
    return Metric(ratio, lower, upper, high, low)


def equal_opportunity_difference(confusions: Mapping[str, Confusion]) -> Metric | None:
    """The highest true positive rate less the lowest."""
    return _difference({group: one.true_positive_rate() for group, one in confusions.items()})


def equalized_odds_difference(confusions: Mapping[str, Confusion]) -> Metric | None:
    """The greater of the differences of true and of false positive rates."""
    found = (
        equal_opportunity_difference(confusions),
        _difference({group: one.false_positive_rate() for group, one in confusions.items()}),
    )
    return max((one for one in found if one is not None), key=lambda one: one.value, default=None)


def _difference(rates: Mapping[str, Rate]) -> Metric | None:
    if len(rates) < 2:
        return None
    high, low = _extremes({group: rate.value for group, rate in rates.items()})
    lower, upper = newcombe(rates[high], rates[low])
    return Metric(rates[high].value - rates[low].value, lower, upper, high, low)


def newcombe(one: Rate, other: Rate, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The interval of the difference of two rates (R. G. Newcombe, 1998, method 10)."""
    (low, high), (other_low, other_high) = one.interval(confidence), other.interval(confidence)
    difference = one.value - other.value
    down = sqrt((one.value - low) ** 2 + (other_high - other.value) ** 2)
    up = sqrt((high - one.value) ** 2 + (other.value - other_low) ** 2)
    return difference - down, difference + up


def _katz(one: Rate, other: Rate) -> tuple[float, float]:
    """The interval of the ratio of two rates (D. Katz and others, 1978): no end to it where there is no hit."""
    if not one.hits or not other.hits:
        return 0.0, inf
    error = sqrt(1 / one.hits - 1 / one.of + 1 / other.hits - 1 / other.of)
    center, margin = log(one.value / other.value), _z(CONFIDENCE) * error
    return exp(center - margin), exp(center + margin)


def _extremes(rates: Mapping[str, float]) -> tuple[str, str]:
    """The groups with the highest and the lowest rate; of equal ones the first by name is highest."""
    by_rate = sorted(rates, key=lambda group: (-rates[group], group))
    return by_rate[0], by_rate[-1]


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)
