from __future__ import annotations

import json

import pytest

from sidecar.fairness.recent import HALF_LIFE, Recent, Suspects


def test_of_one_group_nobody_is_suspected() -> None:
    recent = Recent()
    assert recent.suspects() is None
    recent.learn({"a": (10, 5)})
    assert recent.suspects() is None


def test_the_suspects_are_told_with_the_smoothed_ratio_of_their_rates() -> None:
    recent = Recent()
    recent.learn({"a": (99, 59), "b": (49, 14)})
    assert recent.suspects() == Suspects(pytest.approx(59.5 / 100 / (14.5 / 50)), low="b", high="a")


def test_a_small_group_is_not_suspected_before_a_large_one_with_nearly_its_ratio() -> None:
    recent = Recent()
    recent.learn({"a": (400, 240), "b": (200, 60), "few": (3, 0)})
    found = recent.suspects()
    assert found is not None
    assert (found.high, found.low) == ("a", "b")


def test_after_a_half_life_an_earlier_prediction_counts_half() -> None:
    recent = Recent()
    recent.learn({"a": (100, 60), "b": (100, 40)})
    recent.learn({"a": (HALF_LIFE, 0)})
    assert recent.state() == {"a": [50.0 + HALF_LIFE, 30.0], "b": [50.0, 20.0]}


def test_rates_are_in_the_ratio_asked_for_and_others_lie_between() -> None:
    recent = Recent()
    recent.learn({"a": (300, 200), "b": (300, 90), "c": (300, 150), "d": (10, 0)})
    suspects = Suspects(2.0, low="b", high="a")
    rates = recent.rates(suspects, 2.0)
    assert rates["a"] == pytest.approx(2 * rates["b"])
    assert rates["c"] == 150.5 / 301
    assert rates["d"] == rates["b"]


def test_the_state_goes_through_json_and_the_order_of_its_groups_does_not_matter() -> None:
    recent = Recent()
    for counts in ({"b": (7, 3), "a": (20, 11)}, {"c": (9, 4), "a": (20, 13)}):
        recent.learn(counts)
    again = Recent.from_state(json.loads(json.dumps(recent.state(), sort_keys=True)))
    assert again.state() == recent.state()
    assert again.suspects() == recent.suspects()
