"""The way of one exchange: contract, section 1, step by step.

    route ─▶ facts, token, attributes ─▶ request decision ─▶ throttle ─▶ INTENT
          ─▶ upstream ─▶ prediction ─▶ window ─▶ response decision ─▶ OUTCOME ─▶ observe ─▶ bytes

An exchange leaves one REFUSAL, or one INTENT and one OUTCOME. Everything outside comes through a port.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.audit.context import open_context
from sidecar.audit.records import Event, Result
from sidecar.model.decision import Decision
from sidecar.model.endpoint import EndpointKind
from sidecar.model.message import Response
from sidecar.model.reasons import ReasonClass, in_order, leading
from sidecar.model.refusal import Refused, refused
from sidecar.policy.permit import static_permit
from sidecar.protocols.attributes import forbidden_headers
from sidecar.proxy.case import Case
from sidecar.proxy.incoming import STOPPING
from sidecar.proxy.obligations import arm_throttles, replacement
from sidecar.proxy.observation import observation
from sidecar.proxy.problem import problem

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sidecar.audit.trail import Opened, Trail
    from sidecar.fairness.throttle import Throttle
    from sidecar.fairness.window import Observation, Window
    from sidecar.model.clock import Clock
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.message import Request
    from sidecar.model.reasons import Reason
    from sidecar.policy.permit import Permit
    from sidecar.protocols.servers import Server
    from sidecar.proxy.judge import Judge

logger = logging.getLogger("sidecar.exchange")


class UpstreamPort(Protocol):
    """The model server: takes a permit, and nothing else names a request."""

    async def send(
        self, permit: Permit, *, decision_id: str, request_id: str, revision: str, traceparent: bytes
    ) -> Response:
        """The model server's whole answer; raises `Refused` with an `upstream_*` reason."""
        ...


class Observer(Protocol):
    """Told once of every exchange, at its end."""

    def finished(self, case: Case, status: int | None) -> None:
        """`status` is None where the client went away."""
        ...


@dataclass(frozen=True, slots=True)
class Exchange:
    """The data path of one model server; `front.py` hands it messages."""

    server: Server
    judge: Judge
    upstream: UpstreamPort
    trail: Trail
    throttle: Throttle
    window: Window
    observer: Observer
    clock: Clock
    mode: str
    metadata_allowed: bool

    async def handle(self, request: Request) -> Response:
        """One request to one response, whatever happens."""
        case = self._open(request)
        return await self._finish(case, self._answer(case))

    async def refuse(
        self,
        request: Request,
        reasons: tuple[Reason, ...],
        *,
        retry_after_s: int | None = None,
        allow: tuple[str, ...] = (),
    ) -> Response:
        """For what a front could not accept as a request; `request` holds what is known of it."""
        case = self._open(request)
        refusal = Refused(*reasons, retry_after_s=retry_after_s, allow=allow)
        return await self._finish(case, self._refuse(case, refusal))

    def _open(self, request: Request) -> Case:
        now_s = self.clock.monotonic_s()
        return Case(
            request=request,
            context=open_context(request.headers, self.clock),
            clock=self.clock,
            mode=self.mode,
            started_s=now_s,
            marked_s=now_s,
            revision=self.judge.policy.revision,
        )

    async def _finish(self, case: Case, answering: Coroutine[object, object, Response]) -> Response:
        """Every answer is stamped; every exchange is observed, even one that fails by our own fault."""
        try:
            response = await answering
        except asyncio.CancelledError:
            self.observer.finished(case, None)
            raise
        except Refused as refusal:  # the trail itself refused: there is no record to write
            case.result, case.reasons = Result.FAILED, refusal.reasons
            response = self._problem(case, refusal)
        except Exception:  # a defect in recording itself; every other one has its record by now
            refusal = _defect(case)
            case.result, case.reasons = Result.FAILED, refusal.reasons
            response = self._problem(case, refusal)
        self.observer.finished(case, response.status)
        return _stamped(case, response)

    async def _answer(self, case: Case) -> Response:
        """Steps 2 to 7: what ends here leaves one REFUSAL."""
        try:
            endpoint = self._route(case)
            permit = await self._permit(case, endpoint)
            if endpoint.kind is EndpointKind.PROBE:
                return await self._probe(case, permit)
        except Refused as refusal:
            return await self._refuse(case, refusal)
        except asyncio.CancelledError as cut:
            if _stopping(cut):
                return await self._refuse(case, Refused(STOPPING))
            await self._refuse(case, refused("request_aborted", "the client went away before an answer"))
            raise
        except Exception:
            return await self._refuse(case, _defect(case))
        return await self._carry_out(case, permit)

    def _route(self, case: Case) -> Endpoint:
        request = case.request
        endpoint = self.server.route(request.method, request.path, request.query)
        case.route(endpoint, self.server.protocol(endpoint))
        forbidden = forbidden_headers(request)
        if forbidden:
            raise Refused(*forbidden)
        if endpoint.kind is EndpointKind.MANAGEMENT:
            raise refused("management_forbidden", f"{endpoint.operation} is a management operation")
        if endpoint.kind is EndpointKind.METADATA and not self.metadata_allowed:
            raise refused("management_forbidden", "metadata endpoints pass only with --metadata allow")
        return endpoint

    async def _probe(self, case: Case, permit: Permit) -> Response:
        """A probe passes whatever becomes of the engine: its death must not restart model containers."""
        answer = await self._send(case, permit)
        case.result = Result.RELEASED
        return answer

    async def _permit(self, case: Case, endpoint: Endpoint) -> Permit:
        if endpoint.kind is not EndpointKind.INFER:
            return static_permit(case.request, endpoint, case.revision)
        permit = await self.judge.request(case, endpoint, self.server.protocol(endpoint))
        if self.mode == "enforce":
            self.throttle.admit(case.model, case.version)
        return permit

    async def _carry_out(self, case: Case, permit: Permit) -> Response:
        """Steps 8 to 15: from here on there is an INTENT, so every way out writes an OUTCOME."""
        opened = await self.trail.intent(case.context, case.question, permit.decision, case.request)
        case.mark("intent")
        try:
            answer = await self._effect(case, permit)
        except Refused as refusal:
            answer = self._failed(case, refusal)
        except asyncio.CancelledError as cut:
            if not _stopping(cut):
                await self._conclude(case, opened, Result.ABORTED, None)
                raise
            answer = self._failed(case, Refused(STOPPING))
        except Exception:
            answer = self._failed(case, _defect(case))
        await self._conclude(case, opened, case.result, answer)
        return answer

    async def _effect(self, case: Case, permit: Permit) -> Response:
        """Steps 9 to 12."""
        replaced = replacement(case, permit.decision) if self.mode == "enforce" else None
        if replaced is not None:
            case.result = Result.REPLACED
            return replaced
        answer = await self._send(case, permit)
        case.answer_body = answer.body
        case.result = Result.RELEASED
        response = await self.judge.response(case, answer)
        await self._arm_throttles(case)
        return response

    async def _send(self, case: Case, permit: Permit) -> Response:
        try:
            return await self.upstream.send(
                permit,
                decision_id=case.context.decision_id,
                request_id=case.context.request_id,
                revision=case.revision,
                traceparent=case.context.traceparent,
            )
        finally:
            case.mark("upstream")

    async def _arm_throttles(self, case: Case) -> None:
        if self.mode != "enforce":
            return
        for details in arm_throttles(case, (case.decision, case.response_decision), self.throttle):
            await self.trail.event(Event.THROTTLE_ARMED, details)

    async def _conclude(self, case: Case, opened: Opened, result: Result, answer: Response | None) -> None:
        """Steps 13 and 14: OUTCOME first, then the prediction is observed."""
        case.result = result
        seen = observation(case)
        await self.trail.outcome(
            opened,
            result,
            answer.status if answer else None,
            question=case.response_question,
            decision=case.response_decision,
            response_body=case.answer_body,
            positive=seen.positive if seen else None,
            stage_us=case.stage_us,
        )
        case.mark("outcome")
        if seen is not None:
            self._observe(case, seen)

    def _observe(self, case: Case, seen: Observation) -> None:
        """The OUTCOME stands, so the answer goes out even where the window fails to count it."""
        try:
            self.window.observe(seen)
        except Exception:
            logger.exception("decision %s: the window did not count it", case.context.decision_id)

    async def _refuse(self, case: Case, refusal: Refused) -> Response:
        """REFUSAL durable, then the refusal."""
        case.result, case.reasons = Result.REFUSED, in_order(refusal.reasons)
        response = self._problem(case, refusal)
        if case.is_probe:
            return response
        decision = case.decision
        if decision is None or decision.allow:
            decision = Decision(allow=False, revision=case.revision, reasons=case.reasons)
        await self.trail.refusal(case.context, decision, response.status, question=case.question, request=case.request)
        return response

    def _failed(self, case: Case, refusal: Refused) -> Response:
        case.reasons = in_order(refusal.reasons)
        by_us = leading(case.reasons).group in (ReasonClass.ENGINE, ReasonClass.UPSTREAM)
        case.result = Result.FAILED if by_us else Result.REFUSED
        decided = case.response_decision
        if decided is None or decided.allow:
            revision = decided.revision if decided else case.revision
            case.response_decision = Decision(allow=False, revision=revision, reasons=case.reasons)
        return self._problem(case, refusal)

    def _problem(self, case: Case, refusal: Refused) -> Response:
        return problem(
            refusal.reasons,
            case.context.decision_id,
            protocol=case.protocol,
            retry_after_s=refusal.retry_after_s,
            allow=refusal.allow,
        )


def _stopping(cut: asyncio.CancelledError) -> bool:
    """Whether the front's stop cut the exchange off, not the client's leaving; then it still has to answer."""
    task = asyncio.current_task()
    if cut.args != (STOPPING.code,) or task is None:
        return False
    task.uncancel()
    return True


def _defect(case: Case) -> Refused:
    """For an exception that nobody foresaw: the log gets it, the client and the record its name."""
    logger.exception("decision %s: a defect of the sidecar", case.context.decision_id)
    return refused("sidecar_failed", "the sidecar failed; its log says why")


def _stamped(case: Case, response: Response) -> Response:
    """ "Every answer carries `X-Decision-Id` and `X-Policy-Revision`" (contract 6)."""
    ours = (
        (b"x-decision-id", case.context.decision_id.encode()),
        (b"x-request-id", case.context.request_id.encode()),
        (b"x-policy-revision", case.revision.encode()),
    )
    return Response(response.status, response.headers + ours, response.body)
