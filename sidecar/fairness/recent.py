"""What is known of groups' positive rates from earlier blocks: what the next bet is made on."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import exp, log, sqrt
from typing import TYPE_CHECKING

from sidecar.fairness.betting import banded, smoothed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.fairness.betting import Counts

HALF_LIFE = 350
"""Predictions until an earlier one counts half."""


@dataclass(frozen=True, slots=True)
class Suspects:
    """Two groups that may be too far apart, and the ratio of their rates as it seems."""

    ratio: float
    low: str
    high: str


class Recent:
    """Counts by group that fade, so that a change shows."""

    def __init__(self, counts: Mapping[str, Counts] | None = None) -> None:
        self._counts = dict(counts or {})
        self._smooth()

    def learn(self, block: Mapping[str, tuple[int, int]]) -> None:
        """Counts a block, after the bets on it."""
        kept = 0.5 ** (sum(n for n, _ in block.values()) / HALF_LIFE)
        self._counts = {group: (n * kept, positive * kept) for group, (n, positive) in self._counts.items()}
        for group, (n, positive) in block.items():
            before = self._counts.get(group, (0.0, 0.0))
            self._counts[group] = (before[0] + n, before[1] + positive)
        self._smooth()

    def _smooth(self) -> None:
        # By name: a state that comes back with its groups in another order must go on to the same bit.
        self._known = {group: smoothed(*self._counts[group]) for group in sorted(self._counts)}

    def suspects(self) -> Suspects | None:
        """Those whose ratio is highest beyond its standard error; None of fewer than two groups."""
        known = self._known
        best, suspects = float("-inf"), None
        for low, high in permutations(known, 2):
            ratio, error = _log_ratio(known[low], known[high])
            if ratio - error > best:
                best, suspects = ratio - error, Suspects(exp(ratio), low, high)
        return suspects

    def rates(self, suspects: Suspects, ratio: float) -> dict[str, float]:
        """The likeliest rates of all groups, if those of the suspects are in this ratio and the others between."""
        return banded(self._known, ratio, suspects.low, suspects.high)

    def state(self) -> dict[str, list[float]]:
        """All of it, JSON-able."""
        return {group: list(counts) for group, counts in self._counts.items()}

    @classmethod
    def from_state(cls, state: Mapping[str, list[float]]) -> Recent:
        """What `state()` wrote."""
        return cls({group: (n, positive) for group, (n, positive) in state.items()})


def _log_ratio(low: Counts, high: Counts) -> tuple[float, float]:
    """The log of the ratio of two rates, and its standard error."""
    (n_low, k_low), (n_high, k_high) = low, high
    error = sqrt(1 / k_low - 1 / n_low + 1 / k_high - 1 / n_high)
    return log(k_high * n_low / (n_high * k_low)), error
