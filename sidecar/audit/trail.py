"""The audit trail as the exchange sees it: one call for each thing that must be on record before its effect.

Every call returns when its record is durable, or raises `Refused` audit_unavailable; then nothing may be
forwarded or released. `intent` gives an `Opened`, and only an `Opened` can have an OUTCOME.
"""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from sidecar.audit import records
from sidecar.audit.port import Kind
from sidecar.audit.records import Event, Origin
from sidecar.audit.refusals import UNLIMITED, Quota, RefusalLimiter
from sidecar.audit.uncut import uncut_thread
from sidecar.model.consent import ConsentStatus
from sidecar.model.decision import Decision
from sidecar.model.reasons import ReasonClass, leading
from sidecar.model.refusal import Refused, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sidecar.audit.context import Context
    from sidecar.audit.port import AuditLog, Record
    from sidecar.audit.records import Result
    from sidecar.audit.salts import Salt, Salts
    from sidecar.model.clock import Clock
    from sidecar.model.explain import ExplainCall
    from sidecar.model.message import Body, Request
    from sidecar.model.question import Question

logger = logging.getLogger("sidecar.audit")

_LIMITED = (ReasonClass.ENGINE, ReasonClass.CLIENT, ReasonClass.TOKEN)
"""An engine's outage at load must not fill the disk either."""
OFF_LOOP_BYTES = 256 * 1024
"""A body of more is hashed in a thread."""
_TRUSTED = (ConsentStatus.VALID, ConsentStatus.OFF)


class Opened(NamedTuple):
    """An exchange with a durable INTENT, and so with an OUTCOME to come, under the same salt."""

    context: Context
    salt: Salt


class Trail:
    """The trail of one worker. `engine` and `mode` are the process's, as its records say them.

    `quota` is the disk that limited refusals may take. `records_total` counts records by kind, `failures_total`
    those that could not be written as they should have been; read by the metrics.
    """

    def __init__(
        self,
        log: AuditLog,
        salts: Salts,
        clock: Clock,
        *,
        engine: str,
        mode: str = "enforce",
        quota: Quota = UNLIMITED,
    ) -> None:
        self._log = log
        self._salts = salts
        self._origin = Origin(engine, mode)
        self._limiter = RefusalLimiter(clock, quota)
        self._open: set[str] = set()
        self.records_total: Counter[str] = Counter({kind.value: 0 for kind in Kind})
        self.failures_total = 0

    @property
    def broken(self) -> str | None:
        """Why nothing can be recorded any more (then the process must end, non-zero), or None."""
        return self._log.broken

    @property
    def summarised_total(self) -> int:
        """Refusals that were counted in a summary instead of being recorded singly."""
        return self._limiter.summarised_total

    @property
    def open_count(self) -> int:
        """Exchanges with an INTENT and no OUTCOME yet."""
        return len(self._open)

    async def intent(
        self,
        context: Context,
        question: Question | None,
        decision: Decision,
        request: Request,
        *,
        explain: ExplainCall | None = None,
    ) -> Opened:
        """INTENT, before the request goes to the model server, and `explain` beside it.

        Where it cannot be recorded in full (it is over the size limit), the exchange leaves a REFUSAL with
        status 503 instead, and `Refused` is raised all the same.
        """
        salt = self._salt()
        try:
            record = await _made(
                request.body,
                lambda: records.intent(
                    context, question, decision, request, salt=salt, origin=self._origin, explain=explain
                ),
            )
        except Refused as error:
            self.failures_total += 1
            if self._log.broken is None:
                verdict = Decision(False, decision.revision, error.reasons)
                await self.refusal(context, verdict, 503, question=question, request=request)
            raise
        await self._append(record)
        self._open.add(context.decision_id)
        return Opened(context, salt)

    async def outcome(
        self,
        opened: Opened,
        result: Result,
        status: int | None,
        *,
        question: Question | None = None,
        decision: Decision | None = None,
        response_body: Body | None = None,
        response_digest: str | None = None,
        positive: Sequence[bool] | None = None,
        stage_us: Mapping[str, int] | None = None,
    ) -> None:
        """OUTCOME, before the response goes to the client. `status`: the client's, None where it got none.

        `question` and `decision` are the response phase's, `response_body` is the model server's answer, or of one
        that was passed on as it came `response_digest` its digest under the opened salt;
        `positive` has one truth value an instance. What cannot be recorded in full (it is over the size
        limit) is recorded as a refusal, and `Refused` is raised all the same.
        """
        if opened.context.decision_id not in self._open:
            raise RuntimeError("an exchange has one OUTCOME")  # a second one is a defect of ours
        try:
            record = await _made(
                response_body,
                lambda: records.outcome(
                    opened.context,
                    result,
                    status,
                    salt=opened.salt,
                    question=question,
                    decision=decision,
                    response_body=response_body,
                    response_digest=response_digest,
                    positive=positive,
                    stage_us=stage_us,
                ),
            )
        except Refused as error:
            self.failures_total += 1
            verdict = Decision(False, decision.revision if decision else "", error.reasons)
            await self._close(opened, records.reduced_outcome(opened.context, verdict, salt=opened.salt))
            raise
        await self._close(opened, record)

    async def refusal(
        self,
        context: Context,
        decision: Decision,
        status: int,
        *,
        question: Question | None = None,
        request: Request | None = None,
    ) -> None:
        """REFUSAL of an exchange that has no INTENT, before its answer goes to the client.

        `question` is None where the policy was not asked. Such a refusal, one without a valid token, and one
        that the client or the engine caused, is only counted where there are too many in a second.
        """
        limited = _is_limited(question, decision)
        if limited:
            await self.tick()
            if not self._limiter.admit(reason.code for reason in decision.reasons):
                if self._log.broken is not None:
                    raise refused("audit_unavailable", "the audit log is broken")
                return
        salt = self._salt()
        record = await _made(
            request.body if request else None,
            lambda: records.refusal(context, question, decision, status, request, salt=salt, origin=self._origin),
        )
        if limited:
            self._limiter.spend(len(record.body))
        await self._append(record)

    async def event(self, name: Event, details: Mapping[str, object]) -> None:
        """EVENT: what happened to the sidecar itself."""
        await self._append(records.event(name, details))

    async def tick(self) -> None:
        """Writes the summary of a second that is over; to be called about once a second."""
        if self._limiter.due():
            await self._summarise()

    def find(self, decision_id: str) -> list[bytes]:
        """The records of a recent exchange as their exact bytes, in order; empty where unknown."""
        return self._log.find(decision_id)

    async def aclose(self) -> None:
        """Writes what is still counted and EVENT `stop`, and gives the log back."""
        try:
            if self._log.broken is None:
                await self._summarise()
                await self.event(Event.STOP, {})
        except Refused as error:
            logger.warning("the end is not on record: %s", error)
        finally:
            await self._log.aclose()

    def _salt(self) -> Salt:
        """Today's salt. Without one no exchange can be recorded, though what is open can be concluded."""
        try:
            return self._salts.current()
        except Refused:
            self.failures_total += 1
            raise

    async def _summarise(self) -> None:
        summary = self._limiter.take()
        if summary is None:
            return
        try:
            await self._append(
                records.refusal_summary(summary.from_unix_ns, summary.to_unix_ns, summary.count, summary.reasons)
            )
        except Refused:
            self._limiter.give_back(summary)
            raise

    async def _append(self, record: Record) -> None:
        try:
            await self._log.append(record)
        except Refused:
            self.failures_total += 1
            raise
        self.records_total[record.kind] += 1

    async def _close(self, opened: Opened, outcome: Record) -> None:
        await self._append(outcome)
        self._open.discard(opened.context.decision_id)


async def _made(body: Body | None, make: Callable[[], Record]) -> Record:
    """A record with a body's digest in it. Nobody waits for a large one to be hashed but its own exchange."""
    if body is None or len(body) <= OFF_LOOP_BYTES:
        return make()
    return await uncut_thread(make)


def _is_limited(question: Question | None, decision: Decision) -> bool:
    if question is None or leading(decision.reasons).group in _LIMITED:
        return True
    consent = cast("Mapping[str, Any]", question.shape.get("consent") or {})
    return consent.get("status") not in _TRUSTED
