"""How exchanges end that do not end well, and what every answer carries."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from sidecar.audit.records import Result
from sidecar.model.decision import Decision
from sidecar.model.message import Response
from sidecar.model.reasons import ReasonClass, in_order, leading
from sidecar.model.refusal import refused
from sidecar.proxy.incoming import STOPPING
from sidecar.proxy.problem import problem

if TYPE_CHECKING:
    from sidecar.model.refusal import Refused
    from sidecar.proxy.case import Case

logger = logging.getLogger("sidecar.exchange")


def stopping(cut: asyncio.CancelledError) -> bool:
    """Whether the front's stop cut the exchange off, not the client's leaving; then it still has to answer."""
    task = asyncio.current_task()
    if cut.args != (STOPPING.code,) or task is None:
        return False
    task.uncancel()
    return True


def defect(case: Case) -> Refused:
    """For an exception that nobody foresaw: the log gets it, the client and the record its name."""
    logger.exception("decision %s: a defect of the sidecar", case.context.decision_id)
    return refused("sidecar_failed", "the sidecar failed; its log says why")


def problem_of(case: Case, refusal: Refused) -> Response:
    """A refusal as the case's client reads it."""
    return problem(
        refusal.reasons,
        case.context.decision_id,
        protocol=case.protocol,
        retry_after_s=refusal.retry_after_s,
        allow=refusal.allow,
    )


def failed(case: Case, refusal: Refused) -> Response:
    """After an INTENT: the case's result and response decision say why there is no other answer."""
    case.reasons = in_order(refusal.reasons)
    by_us = leading(case.reasons).group in (ReasonClass.ENGINE, ReasonClass.UPSTREAM)
    case.result = Result.FAILED if by_us else Result.REFUSED
    decided = case.response_decision
    if decided is None or decided.allow:
        revision = decided.revision if decided else case.revision
        case.response_decision = Decision(allow=False, revision=revision, reasons=case.reasons)
    return problem_of(case, refusal)


def stamped(case: Case, response: Response) -> Response:
    """ "Every answer carries `X-Decision-Id` and `X-Policy-Revision`" (contract 6)."""
    ours = (
        (b"x-decision-id", case.context.decision_id.encode()),
        (b"x-request-id", case.context.request_id.encode()),
        (b"x-policy-revision", case.revision.encode()),
    )
    return Response(response.status, response.headers + ours, response.body)
