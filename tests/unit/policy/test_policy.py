from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.model.decision import Decision
from sidecar.model.facts import Facts
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused, refused
from sidecar.policy.cache import CacheStats
from sidecar.policy.generation import Generation
from sidecar.policy.policy import Policy, PolicyStatus
from sidecar.policy.port import UNDEFINED, Answer
from tests.policies import question

if TYPE_CHECKING:
    from sidecar.policy.bundle_watch import BundleStatus

ALLOW = {"allow": True, "ttl_s": 5}
FACTS = Facts("r1", {}, {"consent": ("request",)}, ("staleness.request",))
DECISION = Decision(allow=True, revision="r1", ttl_s=5.0)


class Engine:
    kind = "opa"

    def __init__(self) -> None:
        self.answer: Answer | Refused = Answer(ALLOW, "r1")
        self.asked: list[object] = []

    async def decide(self, input_json: bytes) -> Answer:
        self.asked.append(orjson.loads(input_json))
        if isinstance(self.answer, Refused):
            raise self.answer
        return self.answer

    async def facts(self) -> Answer:
        raise AssertionError

    async def aclose(self) -> None:
        raise AssertionError


class Source:
    kind = "opa"
    restarts = 3
    problems: tuple[str, ...] = ("told",)
    steady = True
    obstacle: Reason | None = None
    bundles: tuple[BundleStatus, ...] = ()
    age: float | None = 10.0

    def __init__(self) -> None:
        self.engine = Engine()
        self.generation: Generation | None = Generation(self.engine, FACTS, 7.0)
        self.calls: list[str] = []

    def age_s(self) -> float | None:
        return self.age

    async def refresh(self) -> None:
        self.calls.append("refresh")

    async def start(self) -> None:
        self.calls.append("start")

    async def aclose(self) -> None:
        self.calls.append("aclose")


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def policy(source: Source) -> Policy:
    return Policy(source, mode="enforce", max_age_s=60.0)


async def code_of(policy: Policy) -> str:
    with pytest.raises(Refused) as raised:
        await policy.decide(question(), cacheable=True)
    return raised.value.reasons[0].code


async def test_a_decision_is_of_the_question_with_its_time(policy: Policy, source: Source) -> None:
    asked = question()
    assert await policy.decide(asked, cacheable=False) == DECISION
    assert source.engine.asked == [asked.as_input()]
    assert policy.snapshot() is policy.facts is FACTS
    assert (policy.kind, policy.revision) == ("opa", "r1")


async def test_the_second_of_two_like_questions_is_answered_from_the_cache(policy: Policy, source: Source) -> None:
    asked = question()
    assert await policy.decide(asked, cacheable=True) == DECISION
    assert await policy.decide(asked._replace(unix_s=asked.unix_s + 1), cacheable=True) == DECISION
    assert len(source.engine.asked) == 1
    assert policy.status().cache == CacheStats(hits=1, misses=1, entries=1)


@pytest.mark.parametrize("why", ["response", "unsteady", "no ttl", "skew", "refused"])
async def test_what_is_not_cached(policy: Policy, source: Source, why: str) -> None:
    source.steady = why != "unsteady"
    if why == "no ttl":
        source.engine.answer = Answer({"allow": True}, "r1")
    if why == "skew":
        source.engine.answer = Answer(ALLOW, "r2")
    if why == "refused":
        source.engine.answer = refused("policy_timeout", "slow")
    for _ in range(2):
        with contextlib.nullcontext() if why != "refused" else pytest.raises(Refused, match="policy_timeout"):
            await policy.decide(question(), cacheable=why != "response")
    assert len(source.engine.asked) == 2


async def test_a_decision_carries_the_revision_that_gave_it(policy: Policy, source: Source) -> None:
    source.engine.answer = Answer(ALLOW, "r2")
    assert (await policy.decide(question(), cacheable=True)).revision == "r2"
    await policy.refresh()
    assert source.calls == ["refresh"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(UNDEFINED, "r1"), "policy_undefined"),
        (Answer({"allow": 1}, "r1"), "policy_malformed"),
        (refused("policy_unavailable", "dead"), "policy_unavailable"),
    ],
)
async def test_failures_are_refusals(policy: Policy, source: Source, answer: Answer | Refused, code: str) -> None:
    source.engine.answer = answer
    assert await code_of(policy) == code


async def test_before_the_first_activation_all_is_unavailable(policy: Policy, source: Source) -> None:
    source.generation = None
    assert await code_of(policy) == "policy_unavailable"
    with pytest.raises(Refused, match="policy_unavailable"):
        policy.snapshot()
    assert (policy.facts, policy.revision) == (None, "")
    assert policy.status() == PolicyStatus(
        engine="opa",
        revision=None,
        activated_unix_s=None,
        age_s=10.0,
        guards={},
        absent_guards=(),
        last_error=("told",),
        restarts=3,
        cache=CacheStats(0, 0, 0),
    )


async def test_an_obstacle_stands_in_the_way_of_a_good_generation(policy: Policy, source: Source) -> None:
    await policy.decide(question(), cacheable=True)
    source.obstacle = Reason("policy_rolled_back", "older")
    assert await code_of(policy) == "policy_rolled_back"
    with pytest.raises(Refused, match="policy_rolled_back: older"):
        policy.snapshot()
    assert (policy.facts, policy.revision) == (FACTS, "r1")
    source.obstacle = None
    assert policy.snapshot() is FACTS


async def test_beyond_its_age_all_is_too_old_and_the_cache_too(policy: Policy, source: Source) -> None:
    await policy.decide(question(), cacheable=True)
    source.age = 60.1
    assert await code_of(policy) == "policy_too_old"
    with pytest.raises(Refused, match="policy_too_old"):
        policy.snapshot()
    for age in (60.0, None):
        source.age = age
        assert policy.snapshot() is FACTS
    source.age = float("inf")
    assert Policy(source, mode="enforce", max_age_s=None).snapshot() is FACTS


async def test_the_status(policy: Policy, source: Source) -> None:
    assert policy.status() == PolicyStatus(
        engine="opa",
        revision="r1",
        activated_unix_s=7.0,
        age_s=10.0,
        guards={"consent": ("request",)},
        absent_guards=("staleness.request",),
        last_error=("told",),
        restarts=3,
        cache=CacheStats(0, 0, 0),
    )


async def test_start_and_end_are_the_sources(policy: Policy, source: Source) -> None:
    await policy.start()
    await policy.aclose()
    assert source.calls == ["start", "aclose"]
