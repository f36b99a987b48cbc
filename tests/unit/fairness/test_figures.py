from __future__ import annotations

from dataclasses import replace
from math import exp, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.cells import Cell, Moments, Tally
from sidecar.fairness.figures import group_figures, ratio_of, span_status
from sidecar.fairness.metrics import impact
from sidecar.fairness.window import GroupStatus, SpanStatus
from tests.conformance.windows import CREDIT


def test_of_too_few_nothing_is_said() -> None:
    assert group_figures(Tally(29, 29, 10, Moments(29, 0.5, 0.1)), CREDIT) is None


UNSCORED = replace(CREDIT, read=replace(CREDIT.read, score=None))


def test_of_too_few_scores_nothing_is_said_where_scores_are_read() -> None:
    assert group_figures(Tally(40, 40, 10, Moments(29, 0.5, 0.1)), CREDIT) is None


def test_where_no_scores_are_read_a_group_has_a_rate_and_no_mean() -> None:
    assert group_figures(Tally(40, 40, 10), UNSCORED) == {
        "n": 40,
        "mean_score": None,
        "mean_lower": None,
        "mean_upper": None,
        "positive_rate": 0.25,
    }


def test_a_group_without_positive_outcomes_has_a_mean_and_no_rate() -> None:
    figures = group_figures(Tally(40, 0, 0, Moments(40, 0.5, 0.0)), CREDIT)
    assert figures == {"n": 40, "mean_score": 0.5, "mean_lower": 0.5, "mean_upper": 0.5, "positive_rate": None}


tallies = st.builds(
    lambda n, share: Tally(n, n, round(n * share)), st.integers(0, 500), st.floats(0, 1, allow_nan=False)
)


@given(st.dictionaries(st.sampled_from("abcd"), tallies))
def test_the_ratio_is_that_of_the_metric(found: dict[str, Tally]) -> None:
    expected = impact(found)
    ratio = ratio_of(found, ("a", "b", "c", "d"))
    assert ratio == (None if expected is None else (expected.ratio, expected.favoured, expected.disfavoured))


def test_groups_that_are_not_asked_for_have_no_ratio() -> None:
    found = {"a": Tally(100, 100, 50), "unknown": Tally(100, 100, 10)}
    assert ratio_of(found, ("a", "b")) is None


KATZ = exp(1.959964 * sqrt(1 / 80.5 - 1 / 101 + 1 / 50.5 - 1 / 101))
"""Katz's interval of the ratio below, as a factor."""


def test_a_span_shows_every_group_and_compares_the_declared_ones() -> None:
    cells = {
        "b": Cell(Tally(50, 50, 25, Moments(50, 0.25, 0.0)), Tally(50, 50, 25, Moments(50, 0.25, 0.0))),
        "a": Cell(Tally(100, 100, 80, Moments(100, 0.75, 0.0))),
        "unknown": Cell(Tally(2, 2, 2, Moments(2, 0.5, 0.5))),
    }
    assert span_status(900, cells, CREDIT) == SpanStatus(
        900,
        pytest.approx(80.5 / 50.5),
        pytest.approx(80.5 / 50.5 / KATZ),
        pytest.approx(80.5 / 50.5 * KATZ),
        "a",
        "b",
        (
            GroupStatus("a", 100, 0, 0.8, 0.75, 0.75, 0.75, 0.0),
            GroupStatus("b", 100, 50, 0.5, 0.25, 0.25, 0.25, 0.0),
            GroupStatus("unknown", 2, 0, 1.0, 0.5, None, None, pytest.approx(0.5**0.5)),
        ),
    )
