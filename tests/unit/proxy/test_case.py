from __future__ import annotations

import pytest

from sidecar.audit.context import DecisionIds, open_context
from sidecar.audit.records import Result
from sidecar.model.attributes import Attributes
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.facts import ModelFacts
from sidecar.model.message import Request
from sidecar.model.question import ask
from sidecar.protocols.base import Call
from sidecar.protocols.v1 import V1
from sidecar.proxy.case import Case, Inquiry
from tests.support import FixedClock

INFER = Endpoint(EndpointKind.INFER, "v1", "infer", "credit", "3")
PROTOCOL = V1()
QUESTION = ask({"phase": "request"}, 0.0)


def case(mode: str = "enforce", clock: FixedClock | None = None) -> Case:
    clock = clock or FixedClock()
    now_s = clock.monotonic_s()
    return Case(Request("POST", "/", ()), open_context((), clock, DecisionIds()), clock, mode, now_s, now_s)


def inquiry(*, stream: bool = False, judged: bool = True) -> Inquiry:
    facts = ModelFacts("credit", answers_judged=judged)
    call = Call(INFER, 1, stream=stream)
    return Inquiry(PROTOCOL, facts, ConsentFact(ConsentStatus.OFF), call, Attributes(), QUESTION)


def test_before_its_first_step_nothing_is_known() -> None:
    it = case()
    assert (it.question, it.model, it.version, it.is_probe, it.wants_stream, it.passes_on) == (
        None,
        "",
        None,
        False,
        False,
        False,
    )
    assert it.result is Result.REFUSED  # what is never concluded was never allowed


def test_a_route_is_noted_for_the_steps_and_for_the_record() -> None:
    it = case()
    decision_id = it.context.decision_id
    it.route(INFER, PROTOCOL)
    assert (it.endpoint, it.protocol, it.context.endpoint) == (INFER, PROTOCOL, INFER)
    assert (it.model, it.version, it.context.decision_id) == ("credit", "3", decision_id)


def test_the_last_route_counts() -> None:
    it = case()
    unnamed = Endpoint(EndpointKind.INFER, "openai", "chat")
    it.route(unnamed, PROTOCOL)
    assert it.model == ""
    it.route(INFER, PROTOCOL)
    assert (it.model, it.context.endpoint) == ("credit", INFER)


@pytest.mark.parametrize("kind", EndpointKind)
def test_probes_are_told_from_the_rest(kind: EndpointKind) -> None:
    it = case()
    it.route(Endpoint(kind, "v1", "any"), PROTOCOL)
    assert it.is_probe is (kind is EndpointKind.PROBE)


def test_time_is_booked_by_stage_from_mark_to_mark() -> None:
    clock = FixedClock()
    it = case(clock=clock)
    for stage, seconds in (("upstream", 0.25), ("intent", 0.5), ("upstream", 2.0)):
        clock.advance(seconds)
        it.mark(stage)
    assert it.stage_us == {"upstream": 2_250_000, "intent": 500_000}


@pytest.mark.parametrize(
    ("mode", "stream", "judged", "passes_on"),
    [
        ("enforce", False, False, False),
        ("enforce", True, True, False),
        ("enforce", True, False, True),
        ("shadow", False, False, False),
        ("shadow", True, True, True),
        ("shadow", True, False, True),
    ],
)
def test_a_stream_goes_on_as_it_comes_only_where_nothing_would_judge_it(
    mode: str, stream: bool, judged: bool, passes_on: bool
) -> None:
    it = case(mode)
    it.inquiry = inquiry(stream=stream, judged=judged)
    assert (it.wants_stream, it.passes_on, it.question) == (stream, passes_on, QUESTION)
    assert it.inquiry.holds_stream is (stream and judged)


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize("kind", EndpointKind)
def test_in_shadow_mode_an_answer_to_what_could_not_be_read_goes_on_as_it_comes(kind: EndpointKind, mode: str) -> None:
    it = case(mode)
    it.route(Endpoint(kind, "v1", "any"), PROTOCOL)
    assert it.passes_on is (mode == "shadow" and kind is EndpointKind.INFER)
