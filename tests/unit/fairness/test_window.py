from __future__ import annotations

import pytest

from sidecar.fairness.window import WindowSnapshot, WindowTerms


def test_a_snapshot_is_what_the_contract_says_of_a_window() -> None:
    groups = {"a": {"n": 40, "mean_score": 0.5}}
    impact = {"ratio": 1.2, "certain": False}
    assert WindowSnapshot("ok", 900, groups, impact).as_input() == {
        "state": "ok",
        "span_s": 900,
        "groups": groups,
        "disparate_impact": impact,
    }


def test_rules_see_the_longest_span() -> None:
    assert WindowTerms(spans_s=(900, 7_200, 60)).span_s == 7_200


@pytest.mark.parametrize("spans_s", [(), (30,), (900, 100), (0,), (-60,)])
def test_spans_are_whole_minutes(spans_s: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="whole minutes"):
        WindowTerms(spans_s=spans_s)


def test_the_terms_are_the_documented_ones() -> None:
    assert WindowTerms() == WindowTerms(
        spans_s=(900, 86_400),
        epoch_s=86_400,
        alpha=0.01,
        warn_alpha=0.05,
        watches_limit=256,
        settle_s=2.0,
        stale_s=5.0,
    )
