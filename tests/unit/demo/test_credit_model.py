from __future__ import annotations

import math
from dataclasses import replace

import pytest

from sidecar.demo.credit_model import CreditModel

MODEL = CreditModel(("a", "b"), (0.5, -2.0), 1.0, approve_from=0.6)


def test_score_is_the_logistic_function_of_the_weighted_sum() -> None:
    assert MODEL.score([2.0, 1.0]) == 0.5
    assert MODEL.score([4.0, 1.0]) == 1 / (1 + math.exp(-1.0))


def test_label_is_approve_from_the_threshold_on() -> None:
    assert [MODEL.label(score) for score in (0.0, 0.5999, 0.6, 1.0)] == ["deny", "deny", "approve", "approve"]


def test_score_refuses_another_number_of_features() -> None:
    with pytest.raises(ValueError, match="shorter"):
        MODEL.score([1.0])


def test_a_group_may_be_held_to_another_threshold() -> None:
    skewed = replace(MODEL, approve_from_of={"b": 0.8})
    assert [skewed.label(0.7, group) for group in (None, "a", "b")] == ["approve", "approve", "deny"]
    assert skewed.label(0.8, "b") == "approve"
    assert MODEL.label(0.7, "b") == "approve"


@pytest.mark.parametrize("model", [MODEL, replace(MODEL, approve_from_of={"b": 0.8})])
def test_json_round_trip(model: CreditModel) -> None:
    assert CreditModel.from_json(model.to_json()) == model
