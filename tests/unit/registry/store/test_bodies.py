from __future__ import annotations

import math
from typing import Any

import pytest

from sidecar.registry.store import bodies
from sidecar.registry.values import Invalid, Kind
from tests.registries import pseudonym

MODEL: dict[str, Any] = {
    "owner": "credit risk",
    "max_age_days": 30,
    "required_scopes": ["credit_scoring"],
    "rules": {"fairness_band": "off", "group_mean_band": "off", "disparate_impact": "off"},
}
DATASET = {"created_unix_s": 1_795_200_000, "consent_scopes": ["credit_scoring"]}


@pytest.mark.parametrize("key", ["loans-2026-11-20", "a b", "ü" * 128, "'; DROP TABLE dataset; --"])
def test_a_key_is_any_text_that_can_be_seen(key: str) -> None:
    assert bodies.key_problem(Kind.DATASET, key) is None


@pytest.mark.parametrize("key", ["", " a", "a ", "a\nb", "a\0b", "\ud800", "\u200b", "ü" * 129, "a,b"])
def test_no_other_is_a_key(key: str) -> None:
    assert bodies.key_problem(Kind.DATASET, key) is not None


def test_a_comma_is_for_models_only() -> None:
    assert bodies.key_problem(Kind.MODEL, "a,b") is None


@pytest.mark.parametrize("kind", [Kind.REVOKED_TOKEN, Kind.REVOKED_SUBJECT, Kind.OBJECTION])
@pytest.mark.parametrize("key", ["alice", "A" * 64, "a" * 63, "a" * 65, "a" * 64 + "\n"])
def test_people_are_known_by_pseudonyms_only(kind: Kind, key: str) -> None:
    assert bodies.key_problem(kind, key) is not None
    assert bodies.key_problem(kind, pseudonym(7)) is None


@pytest.mark.parametrize(
    ("kind", "key", "body"),
    [
        (Kind.DATASET, "d", DATASET | {"parents": ["c"], "source": {"uri": "s3://x"}, "checksum": "sha256:0"}),
        (Kind.MODEL, "m", MODEL | {"means": {"max_drift": 0.02, "min_n": 500}, "least_income": 7}),
        (Kind.GROUP_MEAN, "m", {"means": {"a": 0.5}, "provenance": {"n": 7}}),
        (Kind.REVOKED_TOKEN, pseudonym(1), {"reason": "asked for it", "until_unix_s": 1}),
        (Kind.OBJECTION, pseudonym(1), {}),
    ],
)
def test_a_good_body_has_no_problems(kind: Kind, key: str, body: dict[str, Any]) -> None:
    assert bodies.problems(kind, key, body, None, 0.0) == []


@pytest.mark.parametrize(
    ("kind", "body", "problems"),
    [
        (
            Kind.DATASET,
            {"created_unix_s": "today", "parents": "c", "checksum": 1, "source": 2, "colour": "red"},
            [
                "datasets.k.colour: not known",
                "datasets.k.created_unix_s: must be a number",
                "datasets.k.consent_scopes: must be a list of strings",
                "datasets.k.parents: must be a list of strings",
                "datasets.k.checksum: must be a string",
                "datasets.k.source: must be a string or an object",
            ],
        ),
        (
            Kind.MODEL,
            MODEL | {"owner": 1, "max_age_days": 0, "batch": "no", "means": {"max_drift": 1}},
            [
                "models.k.max_age_days: must be a positive number",
                "models.k.batch: Input should be a valid boolean",
                "models.k.owner: must be a string",
                "models.k.means.min_n: must be a whole number of 1 or more",
            ],
        ),
        (
            Kind.GROUP_MEAN,
            {"means": {"a": "much"}, "provenance": 3},
            ["group_mean.k.a: must be a number", "group_mean.k.provenance: must be an object"],
        ),
        (Kind.GROUP_MEAN, {"a": 0.5}, ["group_mean.k.a: not known", "group_mean.k: must be an object"]),
        (
            Kind.REVOKED_SUBJECT,
            {"reason": 1, "until_unix_s": True, "who": "alice"},
            [
                "revocations.subjects.k.who: not known",
                "revocations.subjects.k.until_unix_s: must be a number",
                "revocations.subjects.k.reason: must be a string",
            ],
        ),
    ],
)
def test_every_problem_of_a_body_is_told_with_its_place(kind: Kind, body: dict[str, Any], problems: list[str]) -> None:
    assert bodies.problems(kind, "k", body, None, 0.0) == problems


def test_a_rule_that_no_guard_has_is_a_problem_where_the_guards_are_known() -> None:
    body = MODEL | {"rules": MODEL["rules"] | {"stalenes": "shadow"}}
    assert bodies.problems(Kind.MODEL, "k", body, None, 0.0) == []
    guards = ["staleness", "consent", *MODEL["rules"]]
    assert bodies.problems(Kind.MODEL, "k", body, guards, 0.0) == ["models.k.rules.stalenes: no guard has this name"]


def test_engines_see_what_rules_read() -> None:
    dataset = DATASET | {"source": "s3://x", "checksum": "0"}
    assert bodies.for_engines(Kind.DATASET, dataset) == DATASET | {"parents": []}
    model = MODEL | {"means": {"max_drift": 0.02, "min_n": 500}}
    assert bodies.for_engines(Kind.MODEL, model) == {name: each for name, each in MODEL.items() if name != "owner"}
    assert bodies.for_engines(Kind.GROUP_MEAN, {"means": {"a": 0.5}, "provenance": {}}) == {"a": 0.5}
    assert bodies.for_engines(Kind.OBJECTION, {"reason": "asked for it"}) == 1


@pytest.mark.parametrize("body", [{"a": "\ud800"}, {"a": 2**70}, {1: "a"}, {"a": object()}])
def test_what_is_no_json_is_not_stored(body: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        bodies.stored(body)


def test_what_json_cannot_say_is_checked_as_it_would_be_stored() -> None:
    assert bodies.stored({"a": math.nan}) == {"a": None}


@pytest.mark.parametrize("text", ["a\0", "\udfff"])
def test_a_text_that_no_database_takes_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        bodies.check_text("fine", text)


@pytest.mark.parametrize("until_unix_s", [99, 100, 100.0])
def test_a_revocation_that_has_ended_is_none(until_unix_s: float) -> None:
    assert bodies.problems(Kind.REVOKED_TOKEN, "k", {"until_unix_s": until_unix_s}, None, 100.0) == [
        "revocations.tokens.k.until_unix_s: must lie ahead, or nothing would be revoked"
    ]
