"""Decision vectors ask what a sidecar could ask, unless they mean not to, and expect what a policy may answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance import vectors
from tests.conformance.schema_set import errors

if TYPE_CHECKING:
    from sidecar.authoring.vectors import Vector

# Vectors name people and tokens so that a reader can tell them apart.
PSEUDONYMS = {'"subject-1"': f'"{"5a" * 32}"', '"token-1"': f'"{"70" * 32}"'}

BROKEN: dict[str, set[str]] = {
    "batch": {"answers by index, to each its own"},
    "composition": {
        "refuses an unknown phase",
        "refuses a missing phase",
        "refuses instances that are zero",
        "refuses instances that are below zero",
        "refuses instances that are a string",
        "refuses instances that are null",
        "refuses instances that are a boolean",
        "refuses missing instances",
        "refuses missing instances in the response",
        "refuses an input without anything",
        "refuses a response without an endpoint",
        "refuses a response whose model is no string",
        "refuses instances that are not whole",
        "refuses instances that are not whole in the response",
        "refuses instances that are not whole, whatever the facts allow",
    },
    "consent": {
        "denies a missing token",
        "denies an invalid token",
        "denies an expired token",
        "denies a status that it does not know",
        "denies when the input lacks the token's facts",
        "denies where tokens are switched off and the rule is not",
        "denies a token whose key for its identity is missing",
        "denies a token whose key for its subject is missing",
        "denies a token whose scopes are missing",
        "permits where tokens and rule are both off",
        "denies a token whose id is a list",
        "denies a token whose subject is a list",
        "denies a token whose id is an object",
        "denies a token whose subject is an object",
        "denies a token whose id is false",
        "denies a token whose subject is false",
        "denies a token whose id is a number",
        "denies a token whose subject is a number",
        "denies a token whose subject is null",
        "denies where the token's scopes are an object",
        "denies where the token's scopes are a string",
        "denies where the token's scopes are null",
        "denies where the call's scope is no string",
    },
    "credit_scoring": {
        "denies an empty list of groups",
        "denies where the call's groups are an object",
        "denies where the call's groups are a string",
        "denies where scores are an object",
    },
    "disparate_impact": {
        "denies when certain is null",
        "permits where the window holds too little",
        "denies when certain is of a wrong type",
    },
    "explanation": {"denies none where it says so in a word", "denies when the input lacks the prediction"},
    "fairness_band": {
        "denies an empty list of scores",
        "denies an empty list of groups",
        "denies a score that is not a number",
        "skips no group that the caller names, however the header is written",
        "denies where the call's groups are null",
        "denies where the call's groups are a string",
        "denies where the call's groups are an empty string",
        "denies where the call's groups are an object",
        "denies where the call's groups are an empty object",
        "denies where the call's groups are false",
        "skips no group that is false",
        "skips no group that is null",
        "skips no group that is a number",
        "skips no group that is a list",
        "denies in shadow too where the call's groups are null",
        "denies in shadow too where the call's groups are a string",
        "denies in shadow too where the call's groups are an empty string",
        "denies in shadow too where the call's groups are an object",
        "denies in shadow too where the call's groups are an empty object",
        "denies in shadow too where the call's groups are false",
    },
    "group_mean_band": {
        "denies when the window is missing",
        "denies a window whose state it does not know",
        "denies a window without groups",
        "denies where what the window saw of the group is false",
        "denies where what the window saw of the group is null",
        "denies where what the window saw of the group is true",
        "denies where what the window saw of the group is a number",
        "denies where what the window saw of the group is a string",
        "denies where what the window saw of the group is a list",
        "denies an empty list of groups",
    },
    "mitigation": {
        "refuses a fallback for instances that are not whole",
        "demands nothing for a guard without a word beside another's refusal",
    },
    "modes": {
        "keeps a shadowed rule out of a refusal's reasons",
        "permits everything where every rule is off",
        "allows with all rules in shadow, and tells all",
        "refuses for two reasons in a fixed order",
    },
    "provenance": {
        "denies a data version that is not present, whatever its value",
        "denies when the input lacks its attributes",
        "permits without what it does not judge by",
    },
    "staleness": {
        "denies when the time is missing",
        "denies a data version that is conflict where provenance is shadow",
        "denies a data version that is malformed where provenance is shadow",
        "denies a data version that is truncated where provenance is shadow",
        "denies a data version that is missing where provenance is shadow",
        "denies a data version that is conflict where provenance is off",
        "denies a data version that is malformed where provenance is off",
        "denies a data version that is truncated where provenance is off",
        "denies a data version that is missing where provenance is off",
    },
}
"""By file: vectors whose input no sidecar sends. A rule must refuse it, or pass over what it does not read."""


def inputs(vector: Vector) -> list[Any]:
    text = json.dumps(vector.input)
    for name, pseudonym in PSEUDONYMS.items():
        text = text.replace(name, pseudonym)
    shape = json.loads(text)
    return shape.get("items", [shape])


@pytest.mark.parametrize("stem", vectors.FILES)
def test_inputs_are_valid_unless_they_mean_not_to_be(stem: str) -> None:
    invalid = {
        vector.name
        for vector in vectors.read(stem)
        if any(errors("policy-input", question) for question in inputs(vector))
    }
    assert invalid == BROKEN.get(stem, set())


@pytest.mark.parametrize("stem", vectors.FILES)
def test_expected_decisions_are_valid(stem: str) -> None:
    wrong: dict[str, list[str]] = {}
    for vector in vectors.read(stem):
        expected: Any = vector.expected
        decisions = {"decision": [expected], "decisions": list(expected.values())}[vector.query]
        found = [error for decision in decisions for error in errors("decision", decision)]
        if found:
            wrong[vector.name] = found
    assert wrong == {}


def test_the_base_data_are_valid() -> None:
    assert errors("data", vectors.BASE["data"]) == []
