from __future__ import annotations

import pytest

from sidecar.evidence.replay.reads import (
    ADDRESS,
    EXPLANATION,
    FEATURES,
    HAS_EXPLANATION,
    SUBJECT,
    TOKEN_ID,
    PolicyReads,
)
from sidecar.policy.compose import GENERATED_PATH, load_modules
from tests.policies import REGO

ALL = {ADDRESS, FEATURES, EXPLANATION, SUBJECT, TOKEN_ID}
OFF = {"provenance": "off", "staleness": "off", "consent": "off", "explanation": "off"}


def reads(body: str, rules: object = None, phase: str = "response") -> set[tuple[str, ...]]:
    """Of one library module with this text."""
    return set(PolicyReads({"lib/x.rego": f"package lib.x\n\n{body}\n"}).of(rules or {}, phase))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("pass if input.prediction.scores[0] > 0.5", set()),
        ("pass if input.attributes.data_version.value == data.x", set()),
        ("pass if input.consent.status == `valid`", set()),
        ("pass if input.prediction.features.age > 20", {FEATURES}),
        ('pass if input["prediction"]["features"].age > 20', {FEATURES}),
        ('pass if input.prediction["\\u0066eatures"]', {FEATURES}),
        ("pass if input.source.address", {ADDRESS}),
        ("pass if startswith(input.source.address, `10.`)", {ADDRESS}),
        ("p := input.prediction", {FEATURES, EXPLANATION}),
        ("pass if input.prediction[name]", {FEATURES, EXPLANATION}),
        ("import input.prediction as p", {FEATURES, EXPLANATION}),
        ("c := input.consent", {SUBJECT, TOKEN_ID}),
        ("whole := input", ALL),
        ("pass if input[part].features", ALL),
        ("pass if walk(input, [path, value])", ALL),
        ("pass if f(input)", ALL),
        ('pass if x == [input\n["prediction"]]', ALL),
        ("pass if my_input.prediction.features", set()),
        ("pass if data.lib.input.features", set()),
        ("# input.prediction.features\npass if true", set()),
        ('pass if "input.prediction.features" != "#"; input.source.address', {ADDRESS}),
        ("pass if `#`; input.source.address", {ADDRESS}),
        ("d := data.lib.y.z with input as {}", set()),
        ("d := data.lib.y.z with input.prediction as {}", set()),
        ("d := data.lib.y.z with input as input.prediction", {FEATURES, EXPLANATION}),
    ],
)
def test_what_a_module_may_read(body: str, expected: set[tuple[str, ...]]) -> None:
    assert reads(body) == expected


def test_asking_whether_there_is_an_explanation_is_less_than_reading_it() -> None:
    asks = 'pass if {\n\te := input.prediction.explanation\n\tnot e in [null, false, "", [], {}]\n}'
    assert reads(asks) == {HAS_EXPLANATION}
    assert reads(asks.replace("]\n}", "]\n\te.weight > 3\n}")) == {EXPLANATION}
    assert reads(asks.replace("[]", "[1]")) == {EXPLANATION}


def test_the_shipped_rules_read_pseudonyms_and_whether_there_is_an_explanation() -> None:
    shipped = PolicyReads({**load_modules(REGO).policies, GENERATED_PATH: "package sidecar\n\nwhole := input\n"})
    assert shipped.of({}, "request") == {SUBJECT, TOKEN_ID}
    assert shipped.of({}, "response") == {HAS_EXPLANATION}
    assert shipped.of(OFF, "request") == shipped.of(OFF, "response") == frozenset()
    assert shipped.of("no rules", "response") == {HAS_EXPLANATION}


OWN = "package guards.own.response\n\ndefault pass := false\n\npass if input.prediction.features.age > 20\n"


@pytest.mark.parametrize(
    ("rules", "phase", "expected"),
    [
        ({"own": "enforce"}, "response", {FEATURES}),
        ({"own": "shadow"}, "response", {FEATURES}),
        ({"own": "off"}, "response", set()),
        ({}, "response", set()),
        ({"own": "enforce"}, "request", set()),
    ],
)
def test_only_guards_that_are_asked_count(rules: object, phase: str, expected: set[tuple[str, ...]]) -> None:
    assert PolicyReads({"own.rego": OWN}).of(rules, phase) == expected


@pytest.mark.parametrize(
    "body",
    [
        "x := data.guards.own.response.pass",
        "x := data.guards[name]",
        'x := data.guards["own"]',
        "import data.guards as all",
        "x := data[name]",
        "x := data",
    ],
)
def test_where_a_guard_may_ask_another_all_count(body: str) -> None:
    modules = {"own.rego": OWN, "lib.rego": f"package lib.x\n\n{body}\n"}
    assert PolicyReads(modules).of({}, "request") == {FEATURES}


def test_where_one_guard_is_asked_by_name_the_others_do_not_count() -> None:
    modules = {"own.rego": OWN, "lib.rego": "package lib.x\n\nx := data.guards.other.response.pass\n"}
    assert PolicyReads(modules).of({}, "response") == frozenset()


def test_the_word_data_in_a_message_is_no_reference() -> None:
    modules = {"own.rego": OWN, "lib.rego": 'package lib.x\n\nmessage := "no data here" # data\n'}
    assert PolicyReads(modules).of({}, "response") == frozenset()


COMPUTES = """package guards.own.response

default pass := false

pass if input.source.address

fallback := [{"label": "x"} |
	some age in input.prediction.features.age
] if {
	limit > 3
}

limit := 4
"""
BY_OWN = {"explanation": {"action": "fallback", "by": "own"}}


@pytest.mark.parametrize(
    ("mitigation", "phase", "guards", "expected"),
    [
        (BY_OWN, "response", {"explanation"}, {ADDRESS, FEATURES}),
        ({"own": {"action": "fallback"}}, "response", {"own"}, {ADDRESS, FEATURES}),
        ({"consent": {"action": "fallback", "by": "nobody"}}, "response", {"consent"}, set()),
        (BY_OWN, "request", set(), set()),
        ({"own": {"action": "fallback", "outputs": [{}]}}, "response", set(), set()),
        ({"own": {"action": "deny", "by": "own"}}, "response", set(), set()),
        ({"own": "fallback"}, "response", set(), set()),
        (["fallback"], "response", set(), set()),
        (None, "response", set(), set()),
    ],
)
def test_what_fallbacks_are_computed_from(
    mitigation: object, phase: str, guards: set[str], expected: set[tuple[str, ...]]
) -> None:
    assert PolicyReads({"own.rego": COMPUTES}).of_fallbacks(mitigation, phase) == (guards, expected)


def test_a_guards_fallback_is_not_what_it_judges_by() -> None:
    assert PolicyReads({"own.rego": COMPUTES}).of({"own": "enforce"}, "response") == {ADDRESS}


def test_what_stands_behind_a_fallback_counts_as_ever() -> None:
    after = COMPUTES.replace("limit := 4", "pass if input.consent.subject")
    assert PolicyReads({"own.rego": after}).of({"own": "enforce"}, "response") == {ADDRESS, SUBJECT}
