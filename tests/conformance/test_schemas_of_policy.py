"""What the shipped policy really answers is valid, whether it allows, refuses or is incomplete."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import regorus

from sidecar.policy.compose import Modules, compose, load_modules
from sidecar.policy.facts import read_facts
from sidecar.policy.generation import probe
from sidecar.policy.port import Answer
from tests.conformance.schema_set import GONE, PROJECT, changed, contract, errors

SHIPPED = load_modules(PROJECT / "rego")


def engine(modules: Modules, data: Any) -> Any:
    made = regorus.Engine()
    for path, text in compose(modules).policies.items():
        made.add_policy(path, text)
    made.add_data_json(orjson.dumps(data).decode())
    return made


def answer(rule: str, question: Any, modules: Modules = SHIPPED, data: Any = None) -> Any:
    made = engine(modules, contract("data") if data is None else data)
    made.set_input_json(orjson.dumps(question).decode())
    return orjson.loads(made.eval_rule_as_json(f"data.sidecar.{rule}"))


def without(name: str) -> Modules:
    policies = {path: text for path, text in SHIPPED.policies.items() if f"guards/{name}/" not in path}
    return Modules(policies, {})


def test_the_shipped_facts_are_valid() -> None:
    facts = answer("facts", None)
    assert errors("facts", facts) == []
    assert list(facts["models"]) == ["credit"]


def test_the_facts_of_an_incomplete_policy_are_valid() -> None:
    facts = answer("facts", None, without("staleness"))
    assert errors("facts", facts) == []
    assert facts["absent"] == ["staleness.request"]


@pytest.mark.parametrize(
    ("example", "pointer", "new", "codes"),
    [
        ("policy-input-request", "/instances", 1, []),
        ("policy-input-request", "/time/unix_s", 1_805_300_000.0, ["data_stale"]),
        ("policy-input-request", "/endpoint/model", "unknown", ["model_unknown"]),
        ("policy-input-request", "/phase", "between", ["policy_malformed"]),
        ("policy-input-request", "/instances", 2, ["instances_exceed_consent"]),
        ("policy-input-response", "/prediction/scores", [0.51], []),
        # fairness_band is in shadow, group_mean_band goes to review, disparate_impact throttles.
        ("policy-input-response", "/prediction/scores", [0.99], []),
        ("policy-input-response", "/window/groups/a/mean_lower", 0.9, []),
        ("policy-input-response", "/window/disparate_impact/certain", True, []),
    ],
)
def test_the_shipped_decisions_are_valid(example: str, pointer: str, new: Any, codes: list[str]) -> None:
    question = changed(contract(example), pointer, new)
    decision = answer("decision", question)
    assert errors("decision", decision) == []
    assert [reason["code"] for reason in decision["reasons"]] == codes


def test_a_decision_tells_shadow_and_obligations_in_the_contracts_shape() -> None:
    question = changed(contract("policy-input-response"), "/prediction/scores", [0.99])
    question = changed(question, "/window/disparate_impact/certain", True)
    decision = answer("decision", question)
    assert errors("decision", decision) == []
    assert [reason["code"] for reason in decision["shadow"]] == ["score_out_of_band"]
    assert [obligation["type"] for obligation in decision["obligations"]] == ["throttle"]


def test_the_decision_of_an_incomplete_policy_is_valid_and_refuses() -> None:
    decision = answer("decision", contract("policy-input-request"), without("consent"))
    assert errors("decision", decision) == []
    assert [reason["code"] for reason in decision["reasons"]] == ["policy_malformed"]


def test_many_decisions_are_valid_by_their_index() -> None:
    request, response = contract("policy-input-request"), contract("policy-input-response")
    items = [request, changed(request, "/consent", GONE), response]
    found = answer("decisions", {"items": items})
    assert {index: errors("decision", decision) for index, decision in found.items()} == {
        "0": [],
        "1": [],
        "2": [],
    }


@pytest.mark.parametrize("phase", ["request", "response"])
def test_the_first_question_to_a_new_policy_is_valid(phase: str) -> None:
    facts = read_facts(Answer(answer("facts", None), "r1"))
    assert errors("policy-input", orjson.loads(probe(facts, phase, 1_795_300_000.0))) == []


def test_the_shipped_example_is_valid() -> None:
    assert errors("data", orjson.loads((PROJECT / "examples" / "data.json").read_bytes())) == []
