"""Judging a request (contract 1, steps 3 to 6) and its response (steps 10 to 12)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidecar.audit.records import Result
from sidecar.model.decision import Decision
from sidecar.model.reasons import Reason, in_order
from sidecar.model.refusal import Refused, refused
from sidecar.policy.permit import Permit, permit, shadow_permit
from sidecar.protocols.attributes import problems
from sidecar.proxy.case import Inquiry
from sidecar.proxy.explaining import explain_call, place_of
from sidecar.proxy.inputs import request_question, response_question
from sidecar.proxy.obligations import demands_explanation, replacement, unmet
from sidecar.proxy.shadow import must_refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from sidecar.fairness.window import Window
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.explain import ExplainCall
    from sidecar.model.facts import Facts
    from sidecar.model.message import Response
    from sidecar.model.prediction import Prediction
    from sidecar.model.question import Question
    from sidecar.protocols.base import ServingProtocol
    from sidecar.proxy.case import Case
    from sidecar.proxy.ports import ConsentPoint, PolicyPoint
    from sidecar.proxy.reading import MessageReader

TOKEN_HEADER = b"x-consent-token"


@dataclass(frozen=True, slots=True)
class Judge:
    """Both phases. In shadow mode what would be refused is noted in the case and passes."""

    policy: PolicyPoint
    consent: ConsentPoint
    window: Window
    reader: MessageReader
    listed_headers: Collection[bytes]
    skew_timeout_s: float
    explain_path: Callable[[Endpoint], str | None]
    """Where the model server explains what it infers at an endpoint."""

    async def request(self, case: Case, endpoint: Endpoint, protocol: ServingProtocol) -> Permit:
        """A permit for the case's request, or Refused."""
        try:
            decision = await self._decide_request(case, endpoint, protocol)
        except Refused as refusal:
            case.decision = _denial(case, refusal.reasons)
            if must_refuse(case.mode, refusal.reasons):
                raise
            case.would_deny += refusal.reasons
            return shadow_permit(case.request, case.decision, self._explain(case, case.decision))
        finally:
            case.mark("request_decision")
        case.decision = decision
        case.would_deny += decision.shadow
        reasons = _stream_reasons(case) if decision.allow else decision.reasons
        if not reasons and decision.allow:
            return permit(case.request, decision, self._explain(case, decision))
        if must_refuse(case.mode, reasons):
            raise Refused(*reasons)
        case.would_deny += reasons
        return shadow_permit(case.request, decision, self._explain(case, decision))

    def _explain(self, case: Case, decision: Decision) -> ExplainCall | None:
        return explain_call(case, decision, self.explain_path)

    async def _decide_request(self, case: Case, endpoint: Endpoint, protocol: ServingProtocol) -> Decision:
        """Steps 3 to 6: "while its revision is not the snapshot's, repeat until the policy timeout"."""
        started_s = case.clock.monotonic_s()
        while True:
            facts = self.policy.snapshot()
            question = await self._ask(case, endpoint, protocol, facts)
            decision = await self.policy.decide(question, cacheable=True)
            case.revision = decision.revision
            if decision.revision == facts.revision:
                return decision
            left_s = self.skew_timeout_s - (case.clock.monotonic_s() - started_s)
            if left_s <= 0:
                raise refused("revision_skew", "the policy's revision changed at each attempt")
            await self._refresh(left_s)

    async def _refresh(self, limit_s: float) -> None:
        """Learns the new facts, or is told again that they differ when the time is up."""
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                await self.policy.refresh()

    async def _ask(self, case: Case, endpoint: Endpoint, protocol: ServingProtocol, facts: Facts) -> Question:
        case.revision = facts.revision
        consent = await self.consent.verify(case.request.header_values(TOKEN_HEADER))
        reading = await self.reader.request(protocol, endpoint, case.request, facts, consent)
        call, attributes = reading.call, reading.attributes
        case.route(call.endpoint, protocol)  # which may have its model from the body
        question = request_question(
            case.request,
            call,
            attributes,
            consent,
            listed_headers=self.listed_headers,
            unix_s=case.clock.unix_s(),
        )
        known = facts.of(call.endpoint.model)
        case.inquiry = Inquiry(protocol, known, consent, call, attributes, question)
        found = problems(attributes)
        if found:
            raise Refused(*found)
        return question

    async def response(self, case: Case, answer: Response) -> Response:
        """What may be released of a model's answer: itself, or a replacement. Raises Refused."""
        inquiry = case.inquiry
        if answer.status >= 400 or inquiry is None:
            # "Upstream 4xx and 5xx pass through, unobserved, with no scores and no response decision"
            return answer
        try:
            decision = await self._decide_response(case, inquiry, answer)
        except Refused as refusal:
            case.response_decision = _denial(case, refusal.reasons)
            if must_refuse(case.mode, refusal.reasons):
                raise
            case.would_deny += refusal.reasons
            return answer
        finally:
            case.mark("response_decision")
        case.response_decision = decision
        case.would_deny += decision.shadow
        reasons = unmet(case, decision) if decision.allow else decision.reasons
        if reasons:
            if must_refuse(case.mode, reasons):
                raise Refused(*reasons)
            case.would_deny += reasons
            return answer
        return self._replaced(case, decision) or answer

    async def _decide_response(self, case: Case, inquiry: Inquiry, answer: Response) -> Decision:
        case.prediction = await self._read(case, inquiry, answer)
        case.window = self.window.snapshot(inquiry.facts, case.version)
        case.response_question = response_question(
            inquiry.question, case.prediction, case.window, unix_s=case.clock.unix_s()
        )
        return await self.policy.decide(case.response_question, cacheable=False)

    async def _read(self, case: Case, inquiry: Inquiry, answer: Response) -> Prediction:
        call, facts = inquiry.call, inquiry.facts
        if facts.explain is not None and call.endpoint.operation == "explain":
            facts = replace(facts, read=replace(facts.read, explanation=place_of(inquiry)))
        prediction = await self.reader.prediction(inquiry.protocol, call, answer, facts)
        return prediction if case.explanation is None else prediction._replace(explanation=case.explanation)

    @staticmethod
    def _replaced(case: Case, decision: Decision) -> Response | None:
        response = replacement(case, decision) if case.mode == "enforce" else None
        if response is not None:
            case.result = Result.REPLACED
        return response


def _stream_reasons(case: Case) -> tuple[Reason, ...]:
    """ "With a response rule in force" a stream is judged as a whole or refused, "as the model's data says"."""
    inquiry = case.inquiry
    if inquiry is None or not inquiry.call.stream:
        return ()
    if demands_explanation(case.decision) and not inquiry.holds_stream:
        return (Reason("stream_forbidden", "an explanation is required, and a stream that is passed on has none"),)
    if not inquiry.holds_stream or inquiry.facts.stream == "judge":
        return ()
    return (Reason("stream_forbidden", "this model's answers are judged, and its facts do not say stream: judge"),)


def _denial(case: Case, reasons: Sequence[Reason]) -> Decision:
    """What the record says where no decision was to be had: not allowed, for the sidecar's own reasons."""
    return Decision(allow=False, revision=case.revision, reasons=in_order(reasons))
