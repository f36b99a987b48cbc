from __future__ import annotations

import random
from math import log, sqrt
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.cells import Moments
from sidecar.fairness.means import ALPHA, MIN_N, RHO_SQUARED, mean_bounds


def moments_of(values: list[float]) -> Moments:
    moments = Moments()
    for value in values:
        moments.add(value)
    return moments


@pytest.mark.parametrize("n", [0, 1, MIN_N - 1])
def test_of_few_scores_nothing_is_said(n: int) -> None:
    assert mean_bounds(Moments(n, 0.5, 1.0), None) is None


def test_the_margin_is_the_papers_formula() -> None:
    n, deviation = 400, 0.25
    margin = deviation * sqrt(2 * (n * RHO_SQUARED + 1) / (n**2 * RHO_SQUARED) * log(sqrt(n * RHO_SQUARED + 1) / ALPHA))
    assert mean_bounds(Moments(n, 0.5, n * deviation**2), None) == pytest.approx((0.5 - margin, 0.5 + margin))


def test_the_bounds_are_narrowest_for_their_number_of_scores_and_wider_than_one_look_needs() -> None:
    at_once = NormalDist().inv_cdf(1 - ALPHA / 2)
    widths = {}
    for n in (MIN_N, 100, 1_000, 10_000, 1_000_000):
        bounds = mean_bounds(Moments(n, 0.0, float(n)), None)
        assert bounds is not None
        widths[n] = bounds[1] * sqrt(n) / at_once
    assert min(widths, key=widths.__getitem__) == 1_000
    assert 1.3 < widths[1_000] < 1.6


@given(st.lists(st.floats(0, 1), min_size=MIN_N, max_size=100))
def test_the_bounds_hold_the_mean_and_stay_in_the_range_of_scores(values: list[float]) -> None:
    moments = moments_of(values)
    bounds = mean_bounds(moments, (0.0, 1.0))
    assert bounds is not None
    assert 0.0 <= bounds[0] <= moments.mean + 1e-12
    assert moments.mean - 1e-12 <= bounds[1] <= 1.0


def test_scores_that_are_all_alike_leave_no_doubt() -> None:
    assert mean_bounds(moments_of([0.5] * MIN_N), (0.0, 1.0)) == (0.5, 0.5)


def test_the_mean_leaves_the_bounds_in_few_streams_although_they_are_read_at_every_score() -> None:
    rng = random.Random(20_261_123)
    runs, outside = 300, 0
    for _ in range(runs):
        moments = Moments()
        for _ in range(1_000):
            moments.add(rng.betavariate(2, 3))
            bounds = mean_bounds(moments, (0.0, 1.0))
            if bounds is not None and not bounds[0] <= 0.4 <= bounds[1]:
                outside += 1
                break
    assert outside <= ALPHA * runs
