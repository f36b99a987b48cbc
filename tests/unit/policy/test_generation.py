from __future__ import annotations

import orjson
import pytest

from sidecar.model.facts import Facts, ModelFacts
from sidecar.model.refusal import refused
from sidecar.policy.generation import Generation, activate, probe
from sidecar.policy.port import UNDEFINED, Answer
from sidecar.policy.problems import PolicyProblems
from tests.support import FixedClock

FACTS = {"models": {"credit": {}, "b": {}}, "guards": {}, "absent": []}
ALLOW = {"allow": True}


class Engine:
    kind = "embedded"

    def __init__(self, facts: object, *decisions: object) -> None:
        self.values = [facts, *decisions]
        self.asked: list[bytes] = []

    async def facts(self) -> Answer:
        value = self.values.pop(0)
        if isinstance(value, Exception):
            raise value
        return Answer(value, "r1")

    async def decide(self, input_json: bytes) -> Answer:
        self.asked.append(input_json)
        return await self.facts()

    async def aclose(self) -> None:
        raise AssertionError


async def test_an_activation_asks_facts_and_a_decision_in_each_phase() -> None:
    engine, clock = Engine(FACTS, ALLOW, ALLOW), FixedClock()
    models = {name: ModelFacts(name, answers_judged=False) for name in ("credit", "b")}
    facts = Facts("r1", models)
    assert await activate(engine, clock) == Generation(engine, facts, clock.unix_s())
    request, response = (orjson.loads(asked) for asked in engine.asked)
    assert (request["phase"], request["endpoint"]["model"], request["instances"]) == ("request", "b", 1)
    assert (response["phase"], response["window"]["state"]) == ("response", "insufficient_data")


async def test_a_policy_that_calls_itself_malformed_is_activated_to_refuse() -> None:
    malformed = {"allow": False, "reasons": [{"code": "policy_malformed", "message": "consent is absent"}]}
    await activate(Engine(FACTS, malformed, malformed), FixedClock())


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([UNDEFINED], "facts is undefined"),
        ([{"models": {"credit": {"batch": 1}}}], "models.credit.batch"),
        ([refused("policy_unavailable", "dead")], "policy_unavailable: dead"),
        ([FACTS, UNDEFINED], "policy_undefined"),
        ([FACTS, {"allow": 1}], "policy_malformed"),
        ([FACTS, ALLOW, UNDEFINED], "policy_undefined"),
    ],
)
async def test_whatever_else_is_a_problem(values: list[object], told: str) -> None:
    with pytest.raises(PolicyProblems, match=told):
        await activate(Engine(*values), FixedClock())


def test_without_models_the_probe_names_none() -> None:
    assert orjson.loads(probe(Facts("r1", {}), "request", 1.5))["endpoint"]["model"] == ""
