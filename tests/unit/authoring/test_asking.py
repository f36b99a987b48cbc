"""Both engines hold a policy to its vectors, and tell of each that does not hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.authoring.asking import NO_ANSWER, Asked, Embedded, ask_all, has_embedded, opa_daemon
from sidecar.authoring.vectors import Vector
from sidecar.policy.compose import compose, load_modules
from sidecar.policy.problems import PolicyProblems
from tests.policies import ALLOW, DATA, REGO, module, opa_binary, shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ALLOWED = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5}
MODULES = compose(load_modules(REGO)).policies
DENIED = (
    'package guards.denies.request\n\ndefault pass := false\n\nviolation contains {"code": "never", "message": "m"}\n'
)


def data(**facts: object) -> dict[str, Any]:
    models: Any = DATA["models"]
    return {**DATA, "models": {"credit": {**models["credit"], **facts}}}


VECTOR = Vector("allows", "some.json", 3, "decision", {}, data(), shape(time={"unix_s": 1_795_300_000}), ALLOWED)


@pytest.fixture(scope="module", params=["embedded", "opa"])
def engine(request: pytest.FixtureRequest) -> Iterator[Asked]:
    assert has_embedded()
    if request.param == "embedded":
        yield Embedded()
    else:
        with opa_daemon(opa_binary()) as daemon:
            yield daemon


def told(engine: Asked, *vectors: Vector, modules: Mapping[str, str] = MODULES) -> list[str]:
    return [f"{one.file}:{one.row} {one.message}" for one in ask_all(engine, modules, vectors)]


def test_what_holds_is_not_told(engine: Asked) -> None:
    without = replace(VECTOR, name="denies without data", data={}, expected=None)
    assert len(told(engine, VECTOR, without, VECTOR)) == 1


def test_what_does_not_hold_is_told_with_both_answers(engine: Asked) -> None:
    [found] = told(engine, replace(VECTOR, expected={**ALLOWED, "ttl_s": 4}))
    answer = '{"allow":true,"obligations":[],"reasons":[],"shadow":[],"ttl_s":5}'
    expected = answer.replace("5", "4")
    assert found == f"some.json:3 allows, on {engine.kind}: expected {expected}, found {answer}"


def test_a_vector_brings_data_and_files_of_its_own(engine: Asked) -> None:
    policy = {"set": {"guards/denies/request/denies.rego": DENIED}}
    named = data(rules={**data()["models"]["credit"]["rules"], "denies": "enforce"})
    reason = {"code": "never", "rule": "denies", "message": "m", "remedy": ""}
    refused = {**ALLOWED, "allow": False, "reasons": [reason], "ttl_s": 0}
    assert told(engine, replace(VECTOR, policy=policy, data=named, expected=refused), VECTOR) == []


def test_files_can_be_taken_away(engine: Asked) -> None:
    vector = replace(VECTOR, policy={"delete": ["guards/staleness/request/staleness.rego"]})
    [found] = told(engine, vector)
    assert "the shipped guard staleness.request is absent" in found


def test_a_policy_that_is_not_accepted_fails_its_vectors_alone(engine: Asked) -> None:
    broken = replace(VECTOR, policy={"set": {"lib/x/x.rego": "package lib.x\n\np = {\n"}})
    found = told(engine, broken, VECTOR)
    assert len(found) == 1
    assert f"allows, on {engine.kind}: is not accepted: " in found[0]


def test_a_batch(engine: Asked) -> None:
    batch = replace(
        VECTOR, query="decisions", input={"items": [VECTOR.input] * 2}, expected={"0": ALLOWED, "1": ALLOWED}
    )
    assert told(engine, batch) == []


@pytest.mark.parametrize("decision", ["decision := 1 if input.never", "decision := x if { some x in [1, 2] }"])
def test_no_answer_and_two_answers_are_none(engine: Asked, decision: str) -> None:
    engine.load({"sidecar/composed.rego": module(decision)}, {})
    assert engine.ask("decision", {}) is NO_ANSWER


def test_what_was_loaded_before_is_gone(engine: Asked) -> None:
    engine.load({"sidecar/composed.rego": module(f"decision := {ALLOW}")}, {"a": 1})
    assert engine.ask("decision", {}) == ALLOWED
    engine.load({"sidecar/composed.rego": module("decision := 1 if input.never")}, {})
    assert engine.ask("decision", {}) is NO_ANSWER


def test_an_opa_that_does_not_start_is_said(tmp_path: Any) -> None:
    binary = tmp_path / "opa"
    binary.write_text("#!/bin/sh\nexit 1\n")
    binary.chmod(0o755)
    with pytest.raises(PolicyProblems, match="did not begin to answer"), opa_daemon(binary):
        pass
