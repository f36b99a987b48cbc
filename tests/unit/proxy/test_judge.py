from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.records import Result
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.decision import Decision, Obligation
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.explain import ExplainCall
from sidecar.model.facts import Facts, ModelFacts, ReadPlan, parse_reader
from sidecar.model.message import Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused, refused
from sidecar.protocols.base import Limits
from sidecar.protocols.servers import server
from sidecar.proxy.case import Case
from sidecar.proxy.judge import Judge
from sidecar.proxy.reading import MessageReader, new_threads
from tests.lab import RecordingWindow, ScriptedConsent, infer, v2_answer
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from sidecar.model.question import Question
    from sidecar.policy.permit import Permit
    from sidecar.protocols.base import ServingProtocol

pytestmark = pytest.mark.anyio

PROTOCOL = server("mlserver").protocol(Endpoint(EndpointKind.INFER, "v2", "infer"))
ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit")
SKEW_S = 0.25
STALE, NEW = Reason("data_stale", "x"), Reason("consent_revoked", "x")
DEAD = refused("policy_unavailable", "x")
CREDIT = ModelFacts("credit", read=ReadPlan(score=parse_reader("output:score")))


def facts(revision: str) -> Facts:
    return Facts(revision, {"credit": CREDIT})


@dataclass
class ScriptedPolicy:
    """Decides as it is told, in turn; the last one again and again. `at` is the revision of its facts."""

    decisions: Sequence[Decision | Refused]
    at: str = "r1"
    on_refresh: Callable[[ScriptedPolicy], Awaitable[None]] | None = None
    asked: list[tuple[Question, bool]] = field(default_factory=list)
    refreshed: int = 0

    @property
    def revision(self) -> str:
        return self.at

    def snapshot(self) -> Facts:
        return facts(self.at)

    async def refresh(self) -> None:
        self.refreshed += 1
        if self.on_refresh is not None:
            await self.on_refresh(self)

    async def decide(self, question: Question, *, cacheable: bool) -> Decision:
        said = self.decisions[min(len(self.asked), len(self.decisions) - 1)]
        self.asked.append((question, cacheable))
        if isinstance(said, Refused):
            raise said
        return said


ALLOW, DENY = Decision(True, "r1"), Decision(False, "r1", (STALE,))


@dataclass
class Bench:
    """A judge over a scripted policy, and one case before it."""

    judge: Judge
    policy: ScriptedPolicy
    window: RecordingWindow
    clock: FixedClock
    case: Case

    async def request(self) -> Permit:
        return await self.judge.request(self.case, ENDPOINT, PROTOCOL)

    async def response(self, answer: Response) -> Response:
        return await self.judge.response(self.case, answer)


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    threads = new_threads()
    clock = FixedClock()

    def made(*decisions: Decision | Refused, mode: str = "enforce", **policy: Any) -> Bench:
        scripted, window = ScriptedPolicy(decisions, **policy), RecordingWindow(clock)
        judge = Judge(
            policy=scripted,
            consent=ScriptedConsent(),
            window=window,
            reader=MessageReader(Limits(), {}, threads),
            listed_headers=frozenset({b"x-team"}),
            skew_timeout_s=SKEW_S,
            explain_path=server("torchserve").explain_path,
        )
        case = case_of(mode, clock)
        return Bench(judge, scripted, window, clock, case)

    yield made
    threads.shutdown()


def case_of(mode: str, clock: FixedClock, protocol: ServingProtocol = PROTOCOL, **headers: str) -> Case:
    from sidecar.audit.context import DecisionIds, open_context

    request = infer(**headers)
    now_s = clock.monotonic_s()
    case = Case(request, open_context(request.headers, clock, DecisionIds()), clock, mode, now_s, now_s)
    case.route(ENDPOINT, protocol)
    return case


def codes(reasons: Sequence[Reason]) -> list[str]:
    return [reason.code for reason in reasons]


async def test_an_allow_is_a_permit_for_the_judged_request(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW)
    permit = await it.request()
    assert (permit.request, permit.decision, it.case.decision, it.case.revision) == (
        it.case.request,
        ALLOW,
        ALLOW,
        "r1",
    )
    ((question, cacheable),) = it.policy.asked
    assert cacheable
    assert it.case.inquiry is not None
    assert (it.case.inquiry.question, it.case.inquiry.facts) == (question, CREDIT)
    assert list(it.case.stage_us) == ["request_decision"]


async def test_a_refusal_says_the_policys_reasons_and_stays_on_the_case(bench: Callable[..., Bench]) -> None:
    it = bench(DENY)
    with pytest.raises(Refused) as caught:
        await it.request()
    assert (caught.value.reasons, it.case.decision, it.case.would_deny) == ((STALE,), DENY, [])


async def test_in_shadow_mode_a_refusal_is_a_permit_and_a_note(bench: Callable[..., Bench]) -> None:
    decision = DENY._replace(shadow=(NEW,))
    it = bench(decision, mode="shadow")
    permit = await it.request()
    assert (permit.request, permit.decision, it.case.would_deny) == (it.case.request, decision, [NEW, STALE])


async def test_a_rule_in_shadow_is_noted_and_changes_nothing(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW._replace(shadow=(NEW,)))
    assert (await it.request()).decision.allow
    assert it.case.would_deny == [NEW]


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_a_dead_engine_is_no_allow(bench: Callable[..., Bench], mode: str) -> None:
    it = bench(DEAD, mode=mode)
    if mode == "enforce":
        with pytest.raises(Refused):
            await it.request()
    else:
        assert not (await it.request()).decision.allow
    assert it.case.decision == Decision(False, "r1", DEAD.reasons)
    assert codes(it.case.would_deny) == (["policy_unavailable"] if mode == "shadow" else [])
    assert list(it.case.stage_us) == ["request_decision"]


async def test_what_is_wrong_with_an_attribute_the_policy_is_not_asked(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW)
    it.case = case_of("enforce", it.clock, x_data_version="a,b")
    with pytest.raises(Refused) as caught:
        await it.request()
    assert codes(caught.value.reasons) == ["attribute_malformed"]
    assert it.policy.asked == []
    assert it.case.inquiry is not None  # for the record: what was read all the same
    assert it.case.question is it.case.inquiry.question


async def test_the_policy_sees_listed_headers_alone(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW)
    it.case = case_of("enforce", it.clock, x_team="risk", x_other="1")
    await it.request()
    question, _ = it.policy.asked[0]
    assert question.shape["request"] == {"method": "POST", "headers": {"x-team": ["risk"]}}


async def test_the_token_is_verified_anew_for_each_revision(bench: Callable[..., Bench]) -> None:
    seen: list[Sequence[bytes]] = []

    class Consent:
        async def verify(self, tokens: Sequence[bytes]) -> ConsentFact:
            seen.append(tokens)
            return ConsentFact(ConsentStatus.VALID)

    async def catch_up(policy: ScriptedPolicy) -> None:
        policy.at = "r2"

    it = bench(ALLOW._replace(revision="r2"), on_refresh=catch_up)
    it.judge = replace(it.judge, consent=Consent())
    it.case = case_of("enforce", it.clock, x_consent_token="t")
    await it.request()
    assert seen == [[b"t"], [b"t"]]


async def test_facts_and_decision_are_of_one_revision(bench: Callable[..., Bench]) -> None:
    async def catch_up(policy: ScriptedPolicy) -> None:
        policy.at = "r2"

    newer = ALLOW._replace(revision="r2")
    it = bench(newer, on_refresh=catch_up)
    assert (await it.request()).decision == newer
    assert (len(it.policy.asked), it.policy.refreshed, it.case.revision) == (2, 1, "r2")


async def test_a_denial_at_another_revision_is_asked_again(bench: Callable[..., Bench]) -> None:
    async def catch_up(policy: ScriptedPolicy) -> None:
        policy.at = "r2"

    it = bench(DENY._replace(revision="r2"), ALLOW._replace(revision="r2"), on_refresh=catch_up)
    assert (await it.request()).decision.allow


async def test_a_revision_that_changes_at_each_attempt_is_skew(bench: Callable[..., Bench]) -> None:
    async def take_a_tenth(policy: ScriptedPolicy) -> None:
        it.clock.advance(0.125)

    it = bench(ALLOW._replace(revision="r2"), on_refresh=take_a_tenth)
    with pytest.raises(Refused) as caught:
        await it.request()
    assert codes(caught.value.reasons) == ["revision_skew"]
    assert (len(it.policy.asked), it.policy.refreshed) == (3, 2)  # until the time is up, and not beyond
    assert it.case.decision is not None
    assert not it.case.decision.allow


async def test_learning_new_facts_is_cut_off_when_the_time_is_up(bench: Callable[..., Bench]) -> None:
    async def never(policy: ScriptedPolicy) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            it.clock.advance(SKEW_S)

    it = bench(ALLOW._replace(revision="r2"), on_refresh=never)
    with pytest.raises(Refused) as caught:
        await it.request()
    assert codes(caught.value.reasons) == ["revision_skew"]


# The response phase.


async def test_a_judged_answer_is_released_as_it_is(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW)
    await it.request()
    answer = v2_answer(0.5)
    assert await it.response(answer) is answer
    assert it.case.prediction is not None
    assert (it.case.prediction.scores, it.case.response_decision) == ((0.5,), ALLOW)
    question, cacheable = it.policy.asked[-1]
    assert (question, cacheable) == (it.case.response_question, False)
    assert question.shape["phase"] == "response"
    assert list(it.case.stage_us) == ["request_decision", "response_decision"]
    assert it.window.seen == []  # that is for after the OUTCOME


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
async def test_an_error_of_the_model_is_nobodys_to_judge(bench: Callable[..., Bench], status: int) -> None:
    it = bench(ALLOW)
    await it.request()
    answer = Response(status, (), b"no prediction")
    assert await it.response(answer) is answer
    assert (len(it.policy.asked), it.case.prediction, it.case.response_decision) == (1, None, None)


async def test_an_answer_to_what_was_never_read_passes(bench: Callable[..., Bench]) -> None:
    it = bench(ALLOW)
    answer = Response(200, (), b"metadata")
    assert await it.response(answer) is answer
    assert it.policy.asked == []


@pytest.mark.parametrize(
    ("decision", "answer", "reasons"),
    [
        (DENY, v2_answer(), ["data_stale"]),
        (DEAD, v2_answer(), ["policy_unavailable"]),
        (ALLOW, Response(200, (), b"{"), ["prediction_unreadable"]),
    ],
    ids=["denied", "engine", "unreadable"],
)
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_an_answer_that_is_not_allowed_is_kept_back_or_noted(
    bench: Callable[..., Bench], mode: str, decision: Decision | Refused, answer: Response, reasons: list[str]
) -> None:
    it = bench(ALLOW, decision, mode=mode)
    await it.request()
    if mode == "shadow":
        assert await it.response(answer) is answer
        assert codes(it.case.would_deny) == reasons
    else:
        with pytest.raises(Refused) as caught:
            await it.response(answer)
        assert (codes(caught.value.reasons), it.case.would_deny) == (reasons, [])
    assert it.case.response_decision is not None
    assert not it.case.response_decision.allow
    assert codes(it.case.response_decision.reasons) == reasons
    assert it.case.result is Result.REFUSED  # until the exchange concludes it


# What is required beside.

REQUIRING = ALLOW._replace(obligations=(Obligation("require_explanation", {"timeout_ms": 40}),))


async def test_a_permit_names_the_explain_call_that_is_required(bench: Callable[..., Bench]) -> None:
    it = bench(REQUIRING)
    assert (await it.request()).explain == ExplainCall("/v2/models/credit/explain", 40)


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_a_required_explanation_that_did_not_come_keeps_the_answer_back(
    bench: Callable[..., Bench], mode: str
) -> None:
    it = bench(REQUIRING, ALLOW, mode=mode)
    await it.request()
    answer = v2_answer(0.5)
    if mode == "shadow":
        assert await it.response(answer) is answer
        assert codes(it.case.would_deny) == ["explanation_missing"]
    else:
        with pytest.raises(Refused) as caught:
            await it.response(answer)
        assert codes(caught.value.reasons) == ["explanation_missing"]


async def test_an_explanation_that_came_is_judged_with_the_prediction(bench: Callable[..., Bench]) -> None:
    it = bench(REQUIRING, ALLOW)
    await it.request()
    it.case.explanation = {"income": 0.4}
    answer = v2_answer(0.5)
    assert await it.response(answer) is answer
    question, _ = it.policy.asked[-1]
    assert question.shape["prediction"]["explanation"] == {"income": 0.4}  # type: ignore[index]


async def test_a_stream_that_is_passed_on_has_none_that_could_be_required(bench: Callable[..., Bench]) -> None:
    it = bench(REQUIRING)
    endpoint = Endpoint(EndpointKind.INFER, "v2", "infer_stream", "credit")
    free = replace(CREDIT, answers_judged=False)
    object.__setattr__(it.policy, "snapshot", lambda: Facts("r1", {"credit": free}))
    with pytest.raises(Refused) as caught:
        await it.judge.request(it.case, endpoint, PROTOCOL)
    assert codes(caught.value.reasons) == ["stream_forbidden"]
