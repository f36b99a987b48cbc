from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

import pytest
from fairlearn import metrics as fairlearn
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from scipy.stats.contingency import relative_risk
from sklearn.metrics import recall_score

from sidecar.demo import applications
from sidecar.fairness.cells import Tally
from sidecar.fairness.metrics import (
    Confusion,
    Impact,
    Metric,
    Rate,
    demographic_parity_difference,
    demographic_parity_ratio,
    equal_opportunity_difference,
    equalized_odds_difference,
    impact,
    newcombe,
    positive_rates,
)
from tests.budgets import examples

if TYPE_CHECKING:
    from collections.abc import Mapping

EXACT = {"rel": 0, "abs": 1e-9}

Prediction = tuple[str, bool, bool, float]
"""Group, positive, label, score."""


def tallies_of(seen: list[Prediction]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for group, positive, _, score in seen:
        tallies.setdefault(group, Tally()).add(score, positive)
    return tallies


def confusions_of(seen: list[Prediction]) -> dict[str, Confusion]:
    confusions: dict[str, Confusion] = {}
    for group, positive, label, _ in seen:
        confusions[group] = confusions.get(group, Confusion()).counted(positive=positive, label=label)
    return confusions


def value(metric: Metric | None) -> float:
    assert metric is not None
    return metric.value


def same_as_fairlearn(seen: list[Prediction]) -> None:
    """Every metric that we show is what Fairlearn makes of the same predictions."""
    groups, positive, labels, scores = (list(column) for column in zip(*seen, strict=True))
    truth: Mapping[str, Any] = {"y_true": labels, "y_pred": positive, "sensitive_features": groups}
    tallies, confusions = tallies_of(seen), confusions_of(seen)
    rates = positive_rates(tallies)

    by_group = fairlearn.MetricFrame(metrics=fairlearn.selection_rate, **truth).by_group
    assert {group: rate.value for group, rate in rates.items()} == pytest.approx(dict(by_group), **EXACT)
    means = fairlearn.MetricFrame(metrics=fairlearn.mean_prediction, **{**truth, "y_pred": scores}).by_group
    assert {group: one.moments.mean for group, one in tallies.items()} == pytest.approx(dict(means), **EXACT)
    if len(rates) < 2:
        return
    assert value(demographic_parity_difference(rates)) == pytest.approx(
        fairlearn.demographic_parity_difference(**truth), **EXACT
    )
    if any(positive):
        assert value(demographic_parity_ratio(rates)) == pytest.approx(
            fairlearn.demographic_parity_ratio(**truth), **EXACT
        )
    assert value(equal_opportunity_difference(confusions)) == pytest.approx(
        fairlearn.equal_opportunity_difference(**truth), **EXACT
    )
    assert value(equalized_odds_difference(confusions)) == pytest.approx(
        fairlearn.equalized_odds_difference(**truth), **EXACT
    )


def test_on_the_real_loan_data_every_metric_is_fairlearns() -> None:
    # As if the bank had predicted: its decision, beside whether the credit history was clean.
    same_as_fairlearn(
        [
            (one.group, one.approved, one.features[3] <= 2, min(1.0, one.features[1] / 100))
            for one in applications.load()
        ]
    )


def test_on_the_real_loan_data_disparate_impact_is_well_under_the_limit_of_the_example() -> None:
    found = impact(tallies_of([(one.group, one.approved, True, 0.5) for one in applications.load()]))
    assert found is not None
    assert (found.favoured, found.disfavoured) == ("white", "black")
    assert (round(found.ratio, 3), round(found.lower, 3), round(found.upper, 3)) == (1.347, 1.221, 1.486)


@settings(max_examples=examples(30))  # Fairlearn takes a tenth of a second for each
@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.booleans(), st.booleans(), st.floats(0, 1)),
        min_size=1,
        max_size=80,
    )
)
def test_on_any_stream_every_metric_is_fairlearns(seen: list[Prediction]) -> None:
    same_as_fairlearn(seen)


def test_equal_opportunity_is_the_range_of_recall() -> None:
    seen: list[Prediction] = [("a", True, True, 0.5), ("a", False, True, 0.5), ("b", True, True, 0.5)]
    assert recall_score([True, True], [True, False]) == 0.5
    metric = equal_opportunity_difference(confusions_of(seen))
    assert metric is not None
    assert (metric.value, metric.favoured, metric.disfavoured) == (0.5, "b", "a")


def tally(n: int, positive: int) -> Tally:
    return Tally(n, n, positive)


def test_disparate_impact_is_smoothed_and_told_with_its_direction() -> None:
    found = impact({"a": tally(100, 60), "b": tally(50, 15), "few": tally(8, 4)})
    assert found == Impact(
        ratio=pytest.approx(60.5 / 101 / (15.5 / 51)),
        lower=pytest.approx(1.2631, abs=1e-4),
        upper=pytest.approx(3.0755, abs=1e-4),
        favoured="a",
        disfavoured="b",
    )


@pytest.mark.parametrize("other", [tally(50, 4), tally(50, 46), tally(0, 0)])
def test_disparate_impact_is_not_told_of_few(other: Tally) -> None:
    assert impact({"a": tally(100, 60), "b": other}) is None


def test_unclassified_predictions_have_no_rate() -> None:
    assert positive_rates({"a": Tally(n=40), "b": tally(2, 1)}) == {"b": Rate(2, 1)}


def test_with_one_group_nothing_is_compared() -> None:
    alone = {"a": Rate(10, 5)}
    confusions = {"a": Confusion(1, 1, 1, 1)}
    assert (demographic_parity_difference(alone), demographic_parity_ratio(alone)) == (None, None)
    assert (equal_opportunity_difference(confusions), equalized_odds_difference(confusions)) == (None, None)


def test_a_ratio_of_no_positives_at_all_is_not_told() -> None:
    assert demographic_parity_ratio({"a": Rate(10, 0), "b": Rate(10, 0)}) is None


def test_a_ratio_to_a_group_without_positives_has_no_upper_end() -> None:
    assert demographic_parity_ratio({"a": Rate(10, 5), "b": Rate(10, 0)}) == Metric(0.0, 0.0, inf, "a", "b")


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
def test_a_rates_interval_is_wilsons(counts: tuple[int, int]) -> None:
    of, hits = counts
    oracle = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    assert Rate(of, hits).interval() == pytest.approx((oracle.low, oracle.high), **EXACT)


def test_of_none_the_interval_is_everything() -> None:
    assert Rate(0, 0).interval() == (0.0, 1.0)


def test_a_differences_interval_is_newcombes_published_example() -> None:
    # Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10, examples (a) and (e).
    assert newcombe(Rate(70, 56), Rate(80, 48)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(Rate(10, 5), Rate(56, 0)) != (0.0, 0.0)


@given(st.data())
def test_a_ratios_interval_is_katzs(data: st.DataObject) -> None:
    (n, k), (m, j) = (
        data.draw(st.integers(2, 300).flatmap(lambda n: st.tuples(st.just(n), st.integers(1, n)))) for _ in range(2)
    )
    metric = demographic_parity_ratio({"a": Rate(n, k), "b": Rate(m, j)})
    assert metric is not None
    rates = {"a": (k, n), "b": (j, m)}
    oracle = relative_risk(*rates[metric.disfavoured], *rates[metric.favoured])
    interval = oracle.confidence_interval(0.95)
    assert metric.value == pytest.approx(oracle.relative_risk, **EXACT)
    assert (metric.lower, metric.upper) == pytest.approx((interval.low, interval.high), rel=1e-9)


@given(st.data())
def test_every_interval_holds_its_value(data: st.DataObject) -> None:
    rates = {
        group: Rate(n, data.draw(st.integers(0, n)))
        for group, n in data.draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 200), min_size=2)).items()
    }
    for metric in (demographic_parity_difference(rates), demographic_parity_ratio(rates)):
        assert metric is None or metric.lower - 1e-12 <= metric.value <= metric.upper + 1e-12
