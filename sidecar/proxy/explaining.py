"""The explanation that is fetched beside the prediction: whether one is, how, and what becomes of it.

The call starts with the infer call, has a deadline of its own, and ends with the exchange. Whatever goes wrong with
it leaves the prediction without an explanation: what follows from that is the rule's to say.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.model.explain import ExplainCall
from sidecar.model.facts import ReadPlan, parse_reader
from sidecar.model.reasons import leading
from sidecar.model.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from sidecar.model.decision import Decision, Obligation
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.facts import Reader
    from sidecar.model.message import Response
    from sidecar.proxy.case import Case, Inquiry
    from sidecar.proxy.reading import MessageReader

logger = logging.getLogger("sidecar.exchange")

WHOLE = parse_reader("pointer:")
PLACES = {"v1": parse_reader("pointer:/explanations")}
"""By protocol, where it has a word of its own for them; elsewhere the whole answer is one."""

DEFAULT_TIMEOUT_MS = 500
"""Where an obligation demands an explanation, and neither it nor the model's facts say how long to wait for one."""


def explain_call(case: Case, decision: Decision, path_of: Callable[[Endpoint], str | None]) -> ExplainCall | None:
    """The call that goes out beside the infer call; None where none is needed, or where there is no endpoint for it.

    Needed: by an obligation, by the caller's word, or by the guard `explanation`, also in shadow. Never where the
    answer itself is to carry one, and never beside a stream.
    """
    inquiry = case.inquiry
    obligation = _obligation(decision) if decision.obligations else None
    if inquiry is None or not _is_wanted(inquiry, obligation) or _comes_otherwise(inquiry):
        return None
    if any(one.type == "fallback" for one in decision.obligations) and case.mode == "enforce":
        return None  # nothing is asked of the model server at all
    path = path_of(inquiry.call.endpoint)
    if path is None:
        case.explained = "endpoint_unknown"
        return None
    return ExplainCall(path, _timeout_ms(inquiry, obligation))


def _obligation(decision: Decision) -> Obligation | None:
    """The request decision's `require_explanation`, where it has one."""
    return next((one for one in decision.obligations if one.type == "require_explanation"), None)


def _is_wanted(inquiry: Inquiry, obligation: Obligation | None) -> bool:
    if obligation is not None:
        return True
    facts = inquiry.facts
    return facts.explain is not None and (inquiry.attributes.explanation_required or facts.needs_explanation)


def _comes_otherwise(inquiry: Inquiry) -> bool:
    """Or not at all: a stream has none."""
    call = inquiry.call
    return inquiry.facts.read.explanation is not None or call.stream or call.endpoint.operation == "explain"


def _timeout_ms(inquiry: Inquiry, obligation: Obligation | None) -> int:
    said = obligation.parameters.get("timeout_ms") if obligation else None
    if isinstance(said, int):  # the verdict has looked at its range
        return said
    return inquiry.facts.explain.timeout_ms if inquiry.facts.explain else DEFAULT_TIMEOUT_MS


async def both(sending: Awaitable[Response], fetching: Coroutine[object, object, None]) -> Response:
    """The infer call's answer, and after a good one what `fetching` brought; that does not outlive the former."""
    task = asyncio.create_task(fetching)
    try:
        answer = await sending
        if answer.status < 300:
            await asyncio.wait((task,))  # not the task itself: who is cut off here would cut it off, and learn of that
            task.result()
        return answer
    finally:
        task.cancel()
        await asyncio.wait((task,))


async def fetch(
    case: Case, ask: Callable[[], Awaitable[Response]], reader: MessageReader, hold: Callable[[Response], None]
) -> None:
    """Notes in the case the explanation that an explain call brings, and what came of it. `hold` counts the answer."""
    try:
        answer = await ask()
        hold(answer)
        if not 200 <= answer.status < 300:
            case.explained = "status"
            return
        case.explanation = await _read(case, answer, reader)
        case.explained = "explained" if is_explanation(case.explanation) else "empty"
    except Refused as refusal:
        case.explained = leading(refusal.reasons).code
    except Exception:  # a defect here must not cost the prediction
        logger.exception("decision %s: the explanation could not be had", case.context.decision_id)
        case.explained = "sidecar_failed"


async def _read(case: Case, answer: Response, reader: MessageReader) -> object:
    inquiry = case.inquiry
    if inquiry is None:
        return None
    call = inquiry.call._replace(endpoint=inquiry.call.endpoint._replace(operation="explain"))
    facts = replace(inquiry.facts, read=ReadPlan(explanation=place_of(inquiry)))
    return (await reader.prediction(inquiry.protocol, call, answer, facts)).explanation


def place_of(inquiry: Inquiry) -> Reader:
    """Where the explanation lies in what the explain endpoint answers."""
    said = inquiry.facts.explain.read if inquiry.facts.explain else None
    return said or PLACES.get(inquiry.protocol.name, WHOLE)


def is_explanation(value: object) -> bool:
    """As the guard `explanation` has it: something that is not empty."""
    return not (value is None or value is False or value in ("", [], {}))
