"""DuckDB's figures against exact arithmetic."""

from __future__ import annotations

import math
from collections import defaultdict
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.registry.means.figures import Contradiction, Figures, GroupFigures, figures
from sidecar.registry.means.predictions import NO_SCORE, NOT_RELEASED, OTHER_GROUP, Prediction
from tests.budgets import examples

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

GROUPS = ("a", "b", "c")
PLACES = {OTHER_GROUP: "other_groups", NO_SCORE: "without_score", NOT_RELEASED: "not_released"}

_scores = st.floats(-1e9, 1e9, allow_nan=False)
_predictions = st.dictionaries(
    st.tuples(st.integers(0, 2**128 - 1), st.integers(0, 255)),
    st.tuples(st.sampled_from([0, 1, 2, OTHER_GROUP, NO_SCORE, NOT_RELEASED]), _scores),
    max_size=60,
)


def rows(found: dict[tuple[int, int], tuple[int, float]]) -> list[Prediction]:
    return [
        Prediction(f"{number:032x}", instance, place, score if place >= 0 else 0.0)
        for (number, instance), (place, score) in found.items()
    ]


def exact(found: Iterable[Prediction], repeated: int) -> Figures:
    """The same by rational numbers: no rounding until the end."""
    scores: dict[int, list[Fraction]] = defaultdict(list)
    for one in found:
        scores[one.place].append(Fraction(one.score))
    return Figures(
        groups={group: _exact(scores[place]) for place, group in enumerate(GROUPS) if len(scores[place]) > 1},
        few={group: len(scores[place]) for place, group in enumerate(GROUPS) if len(scores[place]) <= 1},
        **{name: len(scores[place]) for place, name in PLACES.items()},
        repeated=repeated,
    )


def _exact(scores: list[Fraction]) -> GroupFigures:
    mean = sum(scores, Fraction()) / len(scores)
    variance = sum(((score - mean) ** 2 for score in scores), Fraction()) / (len(scores) - 1)
    return GroupFigures(len(scores), float(mean), math.sqrt(variance))


def approximately(expected: Figures) -> Figures:
    """With room for the twelve digits that are kept, and for sums whose terms cancel."""
    close = {
        group: GroupFigures(
            one.n,
            pytest.approx(one.mean, rel=1e-9, abs=1e-9 * max(1.0, one.stddev)),  # type: ignore[arg-type]
            pytest.approx(one.stddev, rel=1e-9, abs=1e-9 * max(1.0, abs(one.mean))),  # type: ignore[arg-type]
        )
        for group, one in expected.groups.items()
    }
    return Figures(
        close,
        expected.few,
        expected.other_groups,
        expected.without_score,
        expected.not_released,
        expected.repeated,
    )


@settings(max_examples=examples(40))
@given(_predictions, st.randoms(use_true_random=False), st.integers(0, 3))
def test_figures_are_those_of_exact_arithmetic_each_prediction_once(
    found: dict[tuple[int, int], tuple[int, float]], random: object, copies: int
) -> None:
    once = rows(found)
    several = once * (copies + 1)
    random.shuffle(several)  # type: ignore[attr-defined]
    assert figures(several, GROUPS) == approximately(exact(once, len(once) * copies))


def test_nothing_comes_to_nothing() -> None:
    assert figures([], ("a", "b")) == Figures({}, {"a": 0, "b": 0}, 0, 0, 0, 0)


@pytest.mark.parametrize("other", [Prediction("1" * 32, 0, 0, 0.5), Prediction("1" * 32, 0, 1, 0.25)])
def test_two_logs_that_contradict_each_other_make_no_figures(other: Prediction) -> None:
    with pytest.raises(Contradiction, match="1 predictions are told otherwise in two logs"):
        figures([Prediction("1" * 32, 0, 0, 0.25), other], ("a", "b"))


def test_scores_beyond_what_can_be_added_up_make_no_figures() -> None:
    found = [Prediction(f"{number:032x}", 0, 0, 1.7e308) for number in range(4)]
    with pytest.raises(Contradiction, match="the scores of group a are too large to be added up"):
        figures(found, ("a",))


def test_every_double_survives_the_way_to_duckdb() -> None:
    """The mean of two equal numbers is that number, to the digits that are kept."""
    for score in (0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 0.30000000000000004, -1e300, 123456789.123456789):
        found = [Prediction(f"{number:032x}", 0, 0, score) for number in range(2)]
        (one,) = figures(found, ("a",)).groups.values()
        assert (one.mean, one.stddev) == (float(f"{score:.12g}"), 0.0)


def test_the_interval_is_the_normal_one() -> None:
    one = GroupFigures(400, 0.5, 0.2)
    assert one.interval == (0.480400360155, 0.519599639845)
    expected = {"n": 400, "mean": 0.5, "stddev": 0.2, "lower": 0.480400360155, "upper": 0.519599639845}
    assert one.as_json() == expected


def test_temporary_files_go_where_they_are_told_to_and_do_not_stay(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def found() -> Iterable[Prediction]:
        yield Prediction("1" * 32, 0, 0, 0.5)
        seen.append([path.name for path in next(tmp_path.iterdir()).iterdir()])

    figures(found(), ("a",), tmp_path)
    assert (seen, list(tmp_path.iterdir())) == ([["predictions.csv"]], [])
