"""When proposed group means hold by themselves, when a person decides, and when nobody may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.registry.store.drift import decide, problems, rule_problems

if TYPE_CHECKING:
    from decimal import Decimal

RULE = {"max_drift": 0.02, "min_n": 500}
PRESENT = {"a": 0.50, "b": 0.48}
MODEL = {"groups": ["a", "b"], "means": RULE}


def body(means: object, n: object = 500) -> dict[str, Any]:
    groups = {group: {"n": n} for group in means} if isinstance(means, dict) else {}
    return {"means": means, "evidence": {"groups": groups}}


@pytest.mark.parametrize("means", [{"a": 0.52, "b": 0.46}, {"a": 0.48, "b": 0.50}, PRESENT])
def test_a_change_up_to_the_limit_holds_by_itself(means: dict[str, float]) -> None:
    assert decide(body(means), PRESENT, RULE) is None


@pytest.mark.parametrize(
    ("means", "n", "present", "rule", "why"),
    [
        (PRESENT, 500, PRESENT, None, "the model has no `means`, which would say how far they may move by themselves"),
        (PRESENT, 500, None, RULE, "the model has no group means yet: the first ones are a person's word"),
        (PRESENT, 500, {}, RULE, "the model has no group means yet: the first ones are a person's word"),
        (PRESENT, 500, {"a": 0.5}, RULE, "group b has no mean yet: its first one is a person's word"),
        (
            {"a": 0.50, "b": 0.4599},
            500,
            PRESENT,
            RULE,
            "group b moves by 0.0201, from 0.48 to 0.4599; 0.02 is allowed",
        ),
        (PRESENT, 499, PRESENT, RULE, "group a has 499 predictions behind it; 500 are needed"),
        (PRESENT, None, PRESENT, RULE, "group a has no predictions behind it; 500 are needed"),
        (PRESENT, True, PRESENT, RULE, "group a has no predictions behind it; 500 are needed"),
        (PRESENT, "500", PRESENT, RULE, "group a has no predictions behind it; 500 are needed"),
        (
            PRESENT,
            500,
            PRESENT,
            {"max_drift": 0.02},
            "the model's `means` is not as it should be: means.min_n: must be a whole number of 1 or more",
        ),
    ],
)
def test_else_it_waits_and_says_why(
    means: dict[str, float], n: object, present: dict[str, float] | None, rule: dict[str, float] | None, why: str
) -> None:
    assert decide(body(means, n), present, rule) == why


@given(present=st.decimals(0, 1, places=4), proposed=st.decimals(0, 1, places=4), limit=st.decimals(0, "0.2", places=4))
def test_the_limit_is_that_of_decimal_arithmetic(present: Decimal, proposed: Decimal, limit: Decimal) -> None:
    rule = {"max_drift": float(limit), "min_n": 1}
    waits = decide(body({"a": float(proposed)}), {"a": float(present)}, rule) is not None
    assert waits == (abs(proposed - present) > limit)


@given(n=st.lists(st.integers(0, 1_000), min_size=1, max_size=4), least=st.integers(1, 1_000))
def test_every_group_needs_its_number(n: list[int], least: int) -> None:
    means = {f"g{number}": 0.5 for number in range(len(n))}
    proposal = {"means": means, "evidence": {"groups": {f"g{i}": {"n": each} for i, each in enumerate(n)}}}
    waits = decide(proposal, means, {"max_drift": 0, "min_n": least}) is not None
    assert waits == (min(n) < least)


def test_a_good_proposal_has_a_mean_for_each_group_of_the_model() -> None:
    assert problems(body({"a": 0.5, "b": 1}), MODEL) == []


@pytest.mark.parametrize(
    ("proposal", "found"),
    [
        (body({"a": 0.5}), ["means.b: missing, and the model declares it"]),
        (body({"a": 0.5, "b": 0.5, "c": 0.5}), ["means.c: the model does not declare this group"]),
        (
            body({"a": float("nan"), "b": True}),
            ["means.a: must be a finite number", "means.b: must be a finite number"],
        ),
        (body({}), ["means: must be an object with a mean for each group"]),
        (body([0.5]), ["means: must be an object with a mean for each group"]),
        (
            {"means": {"a": 0.5, "b": 0.5}, "evidence": "trust me", "force": True},
            [
                "force: not known; a proposal has means and evidence",
                "evidence.groups: must be an object that tells what each mean is made of",
            ],
        ),
    ],
)
def test_nobody_may_activate_what_is_no_set_of_means_for_the_model(proposal: dict[str, Any], found: list[str]) -> None:
    assert problems(proposal, MODEL) == found


@pytest.mark.parametrize("model", [{}, {"groups": []}, {"groups": "ab"}])
def test_a_model_without_groups_takes_no_means(model: dict[str, Any]) -> None:
    assert problems(body({"a": 0.5}), model) == ["means.a: the model does not declare this group"]


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (RULE, []),
        ({"max_drift": 0, "min_n": 1}, []),
        ([], ["means: must be an object"]),
        (
            {"max_drift": -0.1, "min_n": 0.5, "max": 1},
            [
                "means.max: not known; only max_drift and min_n are",
                "means.max_drift: must be a number of 0 or more",
                "means.min_n: must be a whole number of 1 or more",
            ],
        ),
        (
            {"max_drift": float("inf"), "min_n": True},
            ["means.max_drift: must be a number of 0 or more", "means.min_n: must be a whole number of 1 or more"],
        ),
    ],
)
def test_a_rule_says_how_far_and_of_how_many(rule: object, found: list[str]) -> None:
    assert rule_problems(rule) == found
