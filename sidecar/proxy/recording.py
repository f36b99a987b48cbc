"""What an exchange leaves behind: its records, in the order in which things may happen, and what follows from them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sidecar.audit.records import Event, Result
from sidecar.model.decision import Decision
from sidecar.model.reasons import in_order
from sidecar.model.refusal import Refused
from sidecar.proxy.endings import problem_of
from sidecar.proxy.obligations import arm_throttles
from sidecar.proxy.observation import observation

if TYPE_CHECKING:
    from sidecar.audit.trail import Opened, Trail
    from sidecar.fairness.throttle import Throttle
    from sidecar.fairness.window import Observation, Window
    from sidecar.model.facts import ModelFacts
    from sidecar.model.message import Response
    from sidecar.policy.permit import Permit
    from sidecar.proxy.case import Case

logger = logging.getLogger("sidecar.exchange")


@dataclass(frozen=True, slots=True)
class Recording:
    """One REFUSAL, or one INTENT and one OUTCOME; throttles as decisions oblige to, the prediction observed."""

    trail: Trail
    throttle: Throttle
    window: Window
    mode: str
    _armings: list[dict[str, object]] = field(default_factory=list[dict[str, object]])
    """Those that could not be recorded yet: the next one tries again."""

    async def open(self, case: Case, permit: Permit) -> Opened:
        """Step 8: INTENT."""
        opened = await self.trail.intent(
            case.context, case.question, permit.decision, case.request, explain=permit.explain
        )
        case.mark("intent")
        return opened

    async def refuse(self, case: Case, refusal: Refused) -> Response:
        """REFUSAL durable, then the refusal; what the decision obliges to, all the same."""
        case.result, case.reasons = Result.REFUSED, in_order(refusal.reasons)
        response = problem_of(case, refusal)
        if case.is_probe:
            return response
        await self.arm_throttles_anyway(case)
        decision = case.decision
        if decision is None or decision.allow:
            decision = Decision(allow=False, revision=case.revision, reasons=case.reasons)
        await self.trail.refusal(case.context, decision, response.status, question=case.question, request=case.request)
        return response

    async def arm_throttles(self, case: Case) -> None:
        """Of what both decisions oblige to; each newly armed one is an EVENT."""
        if self.mode == "enforce":
            armed = arm_throttles(case, (case.decision, case.response_decision), self.throttle)
            case.armings += len(armed)
            self._armings.extend(armed)
        while self._armings:
            details = self._armings.pop(0)
            try:
                await self.trail.event(Event.THROTTLE_ARMED, details)
            except BaseException:
                self._armings.insert(0, details)
                raise

    async def arm_throttles_anyway(self, case: Case) -> None:
        """Beside a refusal, which stands whatever becomes of this."""
        try:
            await self.arm_throttles(case)
        except Refused as refused:
            logger.warning("decision %s: %s", case.context.decision_id, refused)

    async def conclude(self, case: Case, opened: Opened, result: Result, answer: Response | None) -> None:
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
            response_digest=case.answer_digest,
            positive=seen.positive if seen else None,
            stage_us=case.stage_us,
        )
        case.mark("outcome")
        if seen is not None and case.inquiry is not None:
            self._observe(case, case.inquiry.facts, seen)

    def _observe(self, case: Case, facts: ModelFacts, seen: Observation) -> None:
        """The OUTCOME stands, so the answer goes out even where the window fails to count it."""
        try:
            self.window.observe(facts, seen)
        except Exception:
            logger.exception("decision %s: the window did not count it", case.context.decision_id)
