"""The way of one exchange: contract, section 1, step by step.

    route ─▶ facts, token, attributes ─▶ request decision ─▶ throttle ─▶ INTENT
          ─▶ upstream ─▶ prediction ─▶ window ─▶ response decision ─▶ OUTCOME ─▶ observe ─▶ bytes

An exchange leaves one REFUSAL, or one INTENT and one OUTCOME (`recording.py`). Everything outside comes through a port.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from sidecar.audit.context import DecisionIds, open_context
from sidecar.audit.records import Result
from sidecar.model.refusal import Refused, refused
from sidecar.proxy.case import Case
from sidecar.proxy.endings import defect, failed, problem_of, stamped, stopping
from sidecar.proxy.explaining import both, fetch
from sidecar.proxy.incoming import STOPPING
from sidecar.proxy.obligations import replacement
from sidecar.proxy.passing import pass_on
from sidecar.proxy.upstream import Mark

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from sidecar.audit.trail import Opened
    from sidecar.model.budget import Budget
    from sidecar.model.clock import Clock
    from sidecar.model.message import Request, Response
    from sidecar.model.reasons import Reason
    from sidecar.policy.permit import Permit
    from sidecar.proxy.admission import Admission
    from sidecar.proxy.client import Client
    from sidecar.proxy.judge import Judge
    from sidecar.proxy.ports import Observer, UpstreamPort
    from sidecar.proxy.recording import Recording

logger = logging.getLogger("sidecar.exchange")


@dataclass(frozen=True, slots=True)
class Exchange:
    """The data path of one model server; `front.py` hands it messages."""

    admission: Admission
    judge: Judge
    upstream: UpstreamPort
    recording: Recording
    observer: Observer
    clock: Clock
    budget: Budget
    mode: str
    ids: DecisionIds = field(default_factory=DecisionIds)

    async def handle(self, request: Request, client: Client | None = None) -> Response | None:
        """One request to one response, whatever happens.

        None where the answer went to `client` as it came, and is complete; a response after `client` was begun
        says why it broke off. Without a client every answer is a whole one.
        """
        case = self._open(request, client)
        try:
            response = await self._finish(case, self._answer(case))
        finally:
            self.budget.release(case.held_bytes)
        return None if case.passed_on else response

    async def refuse(
        self,
        request: Request,
        reasons: tuple[Reason, ...],
        *,
        allow: tuple[str, ...] = (),
    ) -> Response:
        """For what a front could not accept as a request; `request` holds what is known of it."""
        case = self._open(request, None)
        refusal = Refused(*reasons, allow=allow)
        return await self._finish(case, self.recording.refuse(case, refusal))

    def _open(self, request: Request, client: Client | None) -> Case:
        now_s = self.clock.monotonic_s()
        return Case(
            request=request,
            context=open_context(request.headers, self.clock, self.ids),
            clock=self.clock,
            mode=self.mode,
            started_s=now_s,
            marked_s=now_s,
            revision=self.judge.policy.revision,
            client=client,
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
            response = problem_of(case, refusal)
        except Exception:  # a defect in recording itself; every other one has its record by now
            refusal = defect(case)
            case.result, case.reasons = Result.FAILED, refusal.reasons
            response = problem_of(case, refusal)
        self.observer.finished(case, case.begun.status if case.begun else response.status)
        return stamped(case, response)

    async def _answer(self, case: Case) -> Response:
        """Steps 2 to 7: what ends here leaves one REFUSAL."""
        try:
            permit = await self.admission.admit(case)
            if case.is_probe:
                return await self._probe(case, permit)
        except Refused as refusal:
            return await self.recording.refuse(case, refusal)
        except asyncio.CancelledError as cut:
            if stopping(cut):
                return await self.recording.refuse(case, Refused(STOPPING))
            await self.recording.refuse(case, refused("request_aborted", "the client went away before an answer"))
            raise
        except Exception:
            return await self.recording.refuse(case, defect(case))
        return await self._carry_out(case, permit)

    async def _probe(self, case: Case, permit: Permit) -> Response:
        """A probe passes whatever becomes of the engine: its death must not restart model containers."""
        answer = await self._send(case, permit)
        case.result = Result.RELEASED
        return answer

    async def _carry_out(self, case: Case, permit: Permit) -> Response:
        """Steps 8 to 15: from here on there is an INTENT, so every way out writes an OUTCOME."""
        opened = await self.recording.open(case, permit)
        try:
            answer = await self._effect(case, permit, opened)
        except Refused as refusal:
            answer = failed(case, refusal)
        except asyncio.CancelledError as cut:
            if not stopping(cut):
                await self.recording.conclude(case, opened, Result.ABORTED, None)
                raise
            answer = failed(case, Refused(STOPPING))
        except Exception:
            answer = failed(case, defect(case))
        await self.recording.conclude(case, opened, case.result, case.begun or answer)
        case.passed_on = answer is case.begun
        return answer

    async def _effect(self, case: Case, permit: Permit, opened: Opened) -> Response:
        """Steps 9 to 12, and what the decisions oblige to, be the end good or bad."""
        try:
            answer = await self._answered(case, permit, opened)
        except Refused:
            await self.recording.arm_throttles_anyway(case)
            raise
        await self.recording.arm_throttles(case)
        return answer

    async def _answered(self, case: Case, permit: Permit, opened: Opened) -> Response:
        replaced = replacement(case, permit.decision) if self.mode == "enforce" else None
        if replaced is not None:
            case.result = Result.REPLACED
            return replaced
        if case.client is not None and case.passes_on:
            return await self._stream(case, permit, case.client, opened)
        answer = await self._send_both(case, permit)
        case.answer_body = answer.body
        case.result = Result.RELEASED
        return await self.judge.response(case, answer)

    async def _send_both(self, case: Case, permit: Permit) -> Response:
        """The infer call's answer; the explain call, where the permit names one, goes out with it."""
        if permit.explain is None:
            return await self._send(case, permit)
        case.explained = "cancelled"
        ask = partial(self.upstream.explain, permit, _mark(case))
        fetching = fetch(case, ask, self.judge.reader, partial(self._hold, case))
        answer = await both(self._send(case, permit), fetching)
        case.mark("explain")
        return answer

    async def _send(self, case: Case, permit: Permit) -> Response:
        try:
            answer = await self.upstream.send(permit, _mark(case), whole_stream=case.wants_stream)
        finally:
            case.mark("upstream")
        self._hold(case, answer)
        return answer

    async def _stream(self, case: Case, permit: Permit, client: Client, opened: Opened) -> Response:
        """ "A stream released under its request decision has its OUTCOME when it ends" (contract 1)."""
        try:
            async with self.upstream.stream(permit, _mark(case)) as answering:
                if 200 <= answering.head.status < 300:
                    return await pass_on(case, answering, client, opened.salt.running())
                answer = await answering.whole()
        finally:
            case.mark("upstream")
        self._hold(case, answer)
        case.answer_body = answer.body
        case.result = Result.RELEASED
        return answer

    def _hold(self, case: Case, answer: Response) -> None:
        """From the connection, which counted it until now; `handle` lets go of it."""
        case.held_bytes += len(answer.body)
        self.budget.hold(len(answer.body))


def _mark(case: Case) -> Mark:
    context = case.context
    return Mark(context.decision_id, context.request_id, case.revision, context.traceparent)
