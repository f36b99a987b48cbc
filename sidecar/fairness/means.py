"""Bounds of a group's mean score that hold at all times at once, however often they are looked at.

An asymptotic confidence sequence: I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy and A. Ramdas, "Time-uniform
central limit theory and asymptotic confidence sequences", arXiv 2103.06476, theorem 2.2. As a central limit theorem's
interval it is approximate while n is small, hence `MIN_N`; unlike one, it may be read after every prediction.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.fairness.cells import Moments

MIN_N = 30
"""Of fewer scores nothing is said."""
ALPHA = 0.05
"""How likely the mean is ever outside."""
NARROWEST_N = 1_000
"""The number of scores at which the bounds are as narrow as they can be made."""


def _rho_squared() -> float:
    """What makes the bounds narrowest at `NARROWEST_N`: section 2.3's approximation of the optimum."""
    spent = -2 * log(ALPHA)
    return (spent + log(spent + 1)) / NARROWEST_N


RHO_SQUARED = _rho_squared()


def mean_bounds(moments: Moments, score_range: tuple[float, float] | None) -> tuple[float, float] | None:
    """The lower and the upper bound of the mean, inside `score_range`; None of fewer than `MIN_N` scores."""
    if moments.n < MIN_N:
        return None
    margin = sqrt(moments.m2 / moments.n) * _width(moments.n)
    low, high = score_range or (float("-inf"), float("inf"))
    return max(low, moments.mean - margin), min(high, moments.mean + margin)


def _width(n: int) -> float:
    """Half the width in standard deviations: sqrt(2(n·rho²+1)/(n²·rho²) · log(sqrt(n·rho²+1)/alpha))."""
    grown = n * RHO_SQUARED + 1
    return sqrt(2 * grown / (n * n * RHO_SQUARED) * log(sqrt(grown) / ALPHA))
