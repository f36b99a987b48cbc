from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from sidecar.policy.data_document import PROBLEM_LIMIT, check_data, check_fallbacks
from tests.policies import REGO

EXAMPLE = json.loads((REGO.parent / "examples" / "data.json").read_text())
GUARDS = (
    "provenance",
    "staleness",
    "consent",
    "fairness_band",
    "group_mean_band",
    "disparate_impact",
    "explanation",
    "credit_scoring",
)


def changed(path: str, value: object) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(EXAMPLE)
    *parents, key = path.split("/")
    place: Any = document
    for parent in parents:
        place = place[parent]
    place[key] = value
    return document


def without(path: str) -> dict[str, Any]:
    document: dict[str, Any] = copy.deepcopy(EXAMPLE)
    *parents, key = path.split("/")
    place: Any = document
    for parent in parents:
        place = place[parent]
    del place[key]
    return document


def test_the_example_has_no_problem() -> None:
    assert check_data(EXAMPLE, GUARDS) == []


@pytest.mark.parametrize("document", [None, [], "x", 1])
def test_a_document_is_an_object(document: object) -> None:
    assert check_data(document) == ["data: must be an object"]


@pytest.mark.parametrize("key", ["sidecar", "guards", "lib", "system", "Models"])
def test_any_other_key_is_refused(key: str) -> None:
    expected = f"{key}: not accepted as data; only datasets, group_mean, models, objections, revocations are"
    assert check_data({**EXAMPLE, key: {}}) == [expected]


CREDIT = "models/credit"
GROUPS = "models.credit.groups: must be a list of at most 32 strings, none of them unknown"
NO_ENTRY = "must not be false or null; an entry is an object, such as {}"
ACTION = "action: must be one of deny, flag_review, throttle, fallback; anything else denies"


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("models", [], "models: must be an object"),
        (CREDIT, 1, "models.credit: must be an object"),
        (f"{CREDIT}/max_age_days", "30", "models.credit.max_age_days: must be a positive number"),
        (f"{CREDIT}/max_age_days", True, "models.credit.max_age_days: must be a positive number"),
        (f"{CREDIT}/max_age_days", 0, "models.credit.max_age_days: must be a positive number"),
        (f"{CREDIT}/required_scopes", "credit", "models.credit.required_scopes: must be a list of strings"),
        (
            f"{CREDIT}/instances_per_token",
            1.5,
            "models.credit.instances_per_token: must be a whole number of at least 1",
        ),
        (f"{CREDIT}/groups", [1], GROUPS),
        (f"{CREDIT}/unknown_group", "skip", "models.credit.unknown_group: must be deny or skip_band"),
        (
            f"{CREDIT}/unknown_group",
            "skip_band",
            "models.credit.unknown_group: skip_band is refused where callers name their own group",
        ),
        (f"{CREDIT}/groups", {"x": "a"}, GROUPS),
        (f"{CREDIT}/groups", ["a", "unknown"], GROUPS),
        (f"{CREDIT}/groups", [], "models.credit.groups: must name at least two, for disparate_impact compares them"),
        (
            f"{CREDIT}/groups",
            ["a", "a"],
            "models.credit.groups: must name at least two, for disparate_impact compares them",
        ),
        (f"{CREDIT}/groups", [f"g{number}" for number in range(33)], GROUPS),
        (f"{CREDIT}/band", -0.1, "models.credit.band: must be a number from 0 to 1"),
        (f"{CREDIT}/band", 10, "models.credit.band: must be a number from 0 to 1"),
        (f"{CREDIT}/band", float("nan"), "models.credit.band: must be a number from 0 to 1"),
        (f"{CREDIT}/disparate_impact_max", 0.8, "models.credit.disparate_impact_max: must be a number of at least 1"),
        (f"{CREDIT}/rules", "off", "models.credit.rules: must be an object"),
        (
            f"{CREDIT}/rules/staleness",
            "Shadow",
            "models.credit.rules.staleness: must be one of enforce, shadow, off; anything else enforces",
        ),
        (
            f"{CREDIT}/rules/consent",
            ["off"],
            "models.credit.rules.consent: must be one of enforce, shadow, off; anything else enforces",
        ),
        (f"{CREDIT}/rules/stalenes", "off", "models.credit.rules.stalenes: no guard has this name"),
        (f"{CREDIT}/mitigation", [], "models.credit.mitigation: must be an object"),
        (f"{CREDIT}/mitigation/own", {"action": "deny"}, "models.credit.mitigation.own: no guard has this name"),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "flag"},
            f"models.credit.mitigation.consent.{ACTION}",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": {}},
            f"models.credit.mitigation.consent.{ACTION}",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "throttle", "rate_per_s": 1},
            "models.credit.mitigation.consent: throttle needs rate_per_s and hold_s, both positive numbers",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "fallback", "outputs": []},
            "models.credit.mitigation.consent.outputs: must be a list that is not empty",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "fallback", "outputs": [{}], "by": "credit_scoring"},
            "models.credit.mitigation.consent: fallback takes outputs or by, not both",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "fallback", "by": None},
            "models.credit.mitigation.consent.by: must be the name of a guard",
        ),
        (
            f"{CREDIT}/mitigation/consent",
            {"action": "fallback", "by": "credit_scorer"},
            "models.credit.mitigation.consent.by: must be the name of a guard",
        ),
        (f"{CREDIT}/read", 1, "models.credit.read: must be an object"),
        (
            f"{CREDIT}/read/score",
            None,
            "models.credit.read.score: missing, and fairness_band and group_mean_band need it",
        ),
        ("datasets/loans-2026-11-20", 1, "datasets.loans-2026-11-20: must be an object"),
        ("datasets/loans-2026-11-20/created_unix_s", "x", "datasets.loans-2026-11-20.created_unix_s: must be a number"),
        ("datasets/loans-2026-11-20/parents", 1, "datasets.loans-2026-11-20.parents: must be a list of strings"),
        ("group_mean", 1, "group_mean: must be an object"),
        ("group_mean/credit", 1, "group_mean.credit: must be an object"),
        ("group_mean/credit/a", "0.5", "group_mean.credit.a: must be a number"),
        ("revocations/tokens", [], "revocations.tokens: must be an object, empty where there are none"),
        ("revocations/tokens", {"t": False}, f"revocations.tokens.t: {NO_ENTRY}"),
        ("revocations/tokens", {"t": None, "u": {}}, f"revocations.tokens.t: {NO_ENTRY}"),
        ("revocations/subjects", {"s": False}, f"revocations.subjects.s: {NO_ENTRY}"),
        ("objections/subjects", [], "objections.subjects: must be an object, empty where there are none"),
        ("objections/subjects", {"s": False}, f"objections.subjects.s: {NO_ENTRY}"),
    ],
)
def test_a_wrong_value_is_told_with_its_place(path: str, value: object, problem: str) -> None:
    assert check_data(changed(path, value), GUARDS) == [problem]


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (f"{CREDIT}/max_age_days", "models.credit.max_age_days: missing, and staleness needs it"),
        (f"{CREDIT}/required_scopes", "models.credit.required_scopes: missing, and consent needs it"),
        (
            f"{CREDIT}/groups",
            "models.credit.groups: missing, and fairness_band, group_mean_band and disparate_impact need it",
        ),
        (f"{CREDIT}/band", "models.credit.band: missing, and fairness_band and group_mean_band need it"),
        (
            f"{CREDIT}/disparate_impact_max",
            "models.credit.disparate_impact_max: missing, and disparate_impact needs it",
        ),
        (f"{CREDIT}/read/positive", "models.credit.read.positive: missing, and disparate_impact needs it"),
        (f"{CREDIT}/read/score", "models.credit.read.score: missing, and fairness_band and group_mean_band need it"),
        ("datasets/loans-2026-11-20/created_unix_s", "datasets.loans-2026-11-20.created_unix_s: must be a number"),
        ("revocations/subjects", "revocations.subjects: must be an object, empty where there are none"),
    ],
)
def test_what_is_missing_is_told(path: str, problem: str) -> None:
    assert check_data(without(path), GUARDS) == [problem]


@pytest.mark.parametrize("more", [{}, {"by": "credit_scoring"}, {"outputs": [{"label": "refer"}]}])
def test_a_fallback_is_given_or_computed(more: dict[str, Any]) -> None:
    assert check_data(changed(f"{CREDIT}/mitigation/explanation", {"action": "fallback", **more}), GUARDS) == []


def test_a_limit_whose_rules_are_off_may_be_missing() -> None:
    document = without(f"{CREDIT}/band")
    document["models"]["credit"]["rules"] |= {"fairness_band": "off", "group_mean_band": "off"}
    assert check_data(document, GUARDS) == []


def test_all_problems_are_told_at_once_and_their_number_is_bounded() -> None:
    document = changed("group_mean/credit", {str(index): None for index in range(PROBLEM_LIMIT + 1)})
    document["sidecar"] = 1
    found = check_data(document)
    assert len(found) == PROBLEM_LIMIT + 1
    assert found[0].startswith("sidecar: not accepted")
    assert found[-1] == "data: more problems are not listed"


@pytest.mark.parametrize(
    ("mitigation", "told"),
    [
        ({"action": "fallback", "by": "credit_scoring"}, None),
        ({"action": "fallback", "outputs": [{}]}, None),
        ({"action": "deny", "by": "consent"}, None),
        ({"action": "fallback"}, "explanation"),
        ({"action": "fallback", "by": "consent"}, "consent"),
    ],
)
def test_a_fallback_needs_a_guard_that_computes_it(mitigation: dict[str, Any], told: str | None) -> None:
    remedy = "computes no fallback; give outputs, or in `by` a guard that does"
    found = check_fallbacks(changed(f"{CREDIT}/mitigation/explanation", mitigation), {"credit_scoring"})
    assert found == ([] if told is None else [f"models.credit.mitigation.explanation: {told} {remedy}"])


@pytest.mark.parametrize("document", [None, [], {"models": 1}, {"models": {"credit": {"mitigation": [1]}}}])
def test_where_nothing_is_mitigated_no_fallback_is_missing(document: object) -> None:
    assert check_fallbacks(document, ()) == []
