"""One bet against "no group's positive rate is more than `limit` times another's", on one block of counts.

The hypothesis: the groups' rates, averaged over the block, all lie within some [q, limit·q]. Such rates form a convex
set. For any rates outside it, fixed before the block is seen, the likelihood ratio of these to their Kullback-Leibler
projection on the set has an expectation of at most 1 under every member of the set, whatever the sizes of the groups:
the log of that expectation is concave in the true rates, 0 at the projection, and does not rise from there towards any
member, which is what makes it the projection. So the ratio is an e-value; docs/fairness.md has the proof in full.

After R. J. Turner, A. Ly and P. D. Grünwald, "Generic E-Variables for Exact Sequential k-Sample Tests that allow for
Optional Stopping", arXiv 2106.02693. Pure functions of numbers.
"""

from __future__ import annotations

from math import log, sqrt
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Counts = tuple[float, float]
"""How many predictions, how many of them positive. Fractions of one occur in estimates."""

SMOOTHING = 0.5
"""Added to the positive and to the negative ones of an estimate, so that no rate is 0 or 1."""


def smoothed(n: float, positive: float) -> Counts:
    """The counts with half a positive and half a negative prediction more."""
    return n + 2 * SMOOTHING, positive + SMOOTHING


def level(ratio: float, low: Counts, high: Counts) -> float:
    """The rate q of `low` that is likeliest where `high` has the rate ratio·q.

    The smaller root of r·n·q² - b·q + k = 0, in the form without cancellation. There must be positives, and negatives
    in `high`.
    """
    (n_low, k_low), (n_high, k_high) = low, high
    n, k = n_low + n_high, k_low + k_high
    b = k * (1 + ratio) + ratio * (n_high - k_high) + (n_low - k_low)
    return 2 * k / (b + sqrt(max(b * b - 4 * ratio * n * k, 0.0)))


def banded(counts: Mapping[str, Counts], ratio: float, low: str, high: str) -> dict[str, float]:
    """The likeliest rates of all groups where `low` has q, `high` has ratio·q, and the others lie between."""
    bottom = counts[low], counts[high]
    others = [each for group, each in counts.items() if group not in (low, high)]
    q = _level_among(ratio, *bottom, others) if others else level(ratio, *bottom)
    top = ratio * q
    rates = {group: min(max(k / n, q), top) for group, (n, k) in counts.items()}
    rates[low], rates[high] = q, top
    return rates


def _level_among(ratio: float, low: Counts, high: Counts, others: list[Counts]) -> float:
    """As `level`, where others are pooled with the one or the other as soon as they would lie outside.

    The likelihood's derivative falls in q and changes its formula only where another one begins or ceases to be pooled.
    """
    turns = sorted([k / n for n, k in others] + [k / n / ratio for n, k in others])
    first, last = 0, len(turns)
    while first < last:
        middle = (first + last) // 2
        if level(ratio, *_pooled(turns[middle], ratio, low, high, others)) > turns[middle]:
            first = middle + 1
        else:
            last = middle
    below = turns[first - 1] if first else 0.0
    above = turns[first] if first < len(turns) else 1.0
    return level(ratio, *_pooled((below + above) / 2, ratio, low, high, others))


def _pooled(q: float, ratio: float, low: Counts, high: Counts, others: list[Counts]) -> tuple[Counts, Counts]:
    (n_low, k_low), (n_high, k_high) = low, high
    for n, k in others:
        if k < n * q:
            n_low, k_low = n_low + n, k_low + k
        elif k > n * ratio * q:
            n_high, k_high = n_high + n, k_high + k
    return (n_low, k_low), (n_high, k_high)


def log_growth(block: Mapping[str, tuple[int, int]], rates: Mapping[str, float], limit: float) -> float:
    """The log of what a bet on `rates` gains by this block. Groups of which there is no rate are not bet on."""
    present = {group: (counts[0], counts[0] * rates[group]) for group, counts in block.items() if group in rates}
    present = {group: counts for group, counts in present.items() if counts[0]}
    if len(present) < 2:
        return 0.0
    low, high = min(present, key=rates.__getitem__), max(present, key=rates.__getitem__)
    if rates[high] <= limit * rates[low]:
        return 0.0
    null = banded(present, limit, low, high)
    return sum(_gain(*block[group], rates[group], null[group]) for group in present)


def _gain(n: int, positive: int, rate: float, null: float) -> float:
    return positive * log(rate / null) + (n - positive) * log((1 - rate) / (1 - null))
