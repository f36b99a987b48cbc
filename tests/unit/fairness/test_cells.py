from __future__ import annotations

import json
from statistics import fmean, variance

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.cells import SCORE_LIMIT, Cell, Moments, Tally

scores = st.floats(min_value=-1e6, max_value=1e6)
predictions = st.lists(st.tuples(st.none() | scores, st.none() | st.booleans(), st.booleans()), max_size=60)


def cell_of(seen: list[tuple[float | None, bool | None, bool]]) -> Cell:
    cell = Cell()
    for score, positive, released in seen:
        cell.add(score, positive, released=released)
    return cell


def moments_of(values: list[float]) -> Moments:
    moments = Moments()
    for value in values:
        moments.add(value)
    return moments


def counts(tally: Tally) -> tuple[int, int, int, int]:
    return tally.n, tally.classified, tally.positive, tally.moments.n


def test_released_and_refused_predictions_are_counted_apart() -> None:
    cell = cell_of([(0.5, True, True), (0.25, False, True), (1.0, True, False)])
    assert cell == Cell(
        released=Tally(2, 2, 1, Moments(2, 0.375, 0.03125)),
        refused=Tally(1, 1, 1, Moments(1, 1.0, 0.0)),
    )
    assert counts(cell.total()) == (3, 3, 2, 3)
    assert cell.total().positive_rate() == 2 / 3


def test_what_a_model_does_not_declare_is_not_counted() -> None:
    tally = Tally()
    tally.add(None, None)
    tally.add(0.5, None)
    assert tally == Tally(2, 0, 0, Moments(1, 0.5, 0.0))
    assert tally.positive_rate() is None
    assert tally.moments.deviation() is None


@pytest.mark.parametrize("score", [float("nan"), float("inf"), -float("inf"), 2 * SCORE_LIMIT, -1e308])
def test_a_score_that_would_hide_all_others_is_not_in_the_moments(score: float) -> None:
    moments = moments_of([1.0, score, 3.0])
    assert moments == Moments(2, 2.0, 2.0)


@given(st.lists(scores, min_size=2, max_size=60))
def test_moments_are_those_of_the_standard_library(values: list[float]) -> None:
    moments = moments_of(values)
    assert moments.n == len(values)
    assert moments.mean == pytest.approx(fmean(values), rel=1e-12, abs=1e-6)
    assert moments.variance() == pytest.approx(variance(values), rel=1e-9, abs=1e-6)


def test_a_small_deviation_from_a_large_mean_is_not_lost() -> None:
    left, right = moments_of([1e9 + 1, 1e9 + 2]), moments_of([1e9 + 3, 1e9 + 4])
    assert left.merged(right).variance() == pytest.approx(5 / 3, rel=1e-9)


@given(predictions, st.data())
def test_any_sharding_of_the_same_predictions_merges_to_the_same_cell(
    seen: list[tuple[float | None, bool | None, bool]], data: st.DataObject
) -> None:
    shards: list[list[tuple[float | None, bool | None, bool]]] = [[], [], []]
    for one in data.draw(st.permutations(seen)):
        shards[data.draw(st.integers(0, 2))].append(one)
    merged = Cell()
    for shard in data.draw(st.permutations(shards)):
        merged.merge(cell_of(shard))
    whole = cell_of(seen)
    for one, other in ((merged.released, whole.released), (merged.refused, whole.refused)):
        assert counts(one) == counts(other)
        assert one.moments.mean == pytest.approx(other.moments.mean, rel=1e-9, abs=1e-6)
        assert one.moments.m2 == pytest.approx(other.moments.m2, rel=1e-6, abs=1e-3)


@given(predictions, predictions)
def test_merged_leaves_both_as_they_were(
    one: list[tuple[float | None, bool | None, bool]], other: list[tuple[float | None, bool | None, bool]]
) -> None:
    left, right = cell_of(one), cell_of(other)
    both = left.merged(right)
    assert (left, right) == (cell_of(one), cell_of(other))
    left.merge(right)
    assert both == left


@given(predictions)
def test_the_state_goes_through_json(seen: list[tuple[float | None, bool | None, bool]]) -> None:
    cell = cell_of(seen)
    assert Cell.from_state(json.loads(json.dumps(cell.state()))) == cell


@pytest.mark.parametrize("state", [[], [[1, 1, 1, 1, 1.0, 1.0]], [[1, 1], [1, 1]]])
def test_a_state_of_another_shape_is_refused(state: list[list[float]]) -> None:
    with pytest.raises(ValueError, match="values to unpack"):
        Cell.from_state(state)
