"""Audit records as the contract's section 7 has them: pure builders of their bodies."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.audit.port import HEADER_RESERVE_BYTES, Kind, Record
from sidecar.audit.redact import (
    Shape,
    brief_decision,
    decision_shape,
    network_of,
    request_input,
    response_input,
    serialise,
)
from sidecar.ledger.frames import RECORD_LIMIT_BYTES
from sidecar.model.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.audit.context import Context
    from sidecar.audit.salts import Salt
    from sidecar.model.decision import Decision
    from sidecar.model.explain import ExplainCall
    from sidecar.model.message import Body, Request
    from sidecar.model.question import Question

PATH_LIMIT_CHARS = 256


class Result(enum.StrEnum):
    """How an exchange that had an INTENT ended (contract 1, step 13)."""

    RELEASED = "released"
    REFUSED = "refused"
    REPLACED = "replaced"
    FAILED = "failed"
    ABORTED = "aborted"
    UNKNOWN = "unknown"


class Event(enum.StrEnum):
    """What an EVENT tells (contract 7)."""

    START = "start"
    STOP = "stop"
    REVISION_CHANGED = "revision_changed"
    BUNDLE_ROLLED_BACK = "bundle_rolled_back"
    KEY_CHANGED = "key_changed"
    THROTTLE_ARMED = "throttle_armed"
    THROTTLE_RELEASED = "throttle_released"
    CLOCK_STEPPED_BACK = "clock_stepped_back"
    RECORDS_DROPPED = "records_dropped"
    EXPOSURE_CHANGED = "exposure_changed"


@dataclass(frozen=True, slots=True)
class Origin:
    """What the process adds to each INTENT and REFUSAL."""

    engine: str
    mode: str


def intent(
    context: Context,
    question: Question | None,
    decision: Decision,
    request: Request,
    *,
    salt: Salt,
    origin: Origin,
    explain: ExplainCall | None = None,
) -> Record:
    """INTENT. `question` is None only for a would-deny in shadow mode that no policy could be asked about.

    `explain`: the call for an explanation that goes out with the request.
    """
    body = _opening(context, question, decision, request, salt=salt, origin=origin)
    body["explain"] = explain.as_json() if explain else None
    return _record(Kind.INTENT, body, context.decision_id)


def refusal(
    context: Context,
    question: Question | None,
    decision: Decision,
    status: int,
    request: Request | None,
    *,
    salt: Salt,
    origin: Origin,
) -> Record:
    """REFUSAL. One that is too large is reduced to what fits: an exchange is never left without a record."""
    body = _opening(context, question, decision, request, salt=salt, origin=origin)
    body["status"] = status
    content = serialise(body)
    if _too_large(content):
        content = serialise({**body, "input": None, "decision": brief_decision(decision), "reduced": True})
    return Record(Kind.REFUSAL, content, context.decision_id)


def outcome(
    context: Context,
    result: Result,
    status: int | None,
    *,
    salt: Salt,
    question: Question | None = None,
    decision: Decision | None = None,
    response_body: Body | None = None,
    response_digest: str | None = None,
    positive: Sequence[bool] | None = None,
    stage_us: Mapping[str, int] | None = None,
) -> Record:
    """OUTCOME. Replay joins its `input` and `window` with INTENT's `input`."""
    members: Shape = {
        "status": status,
        "input": response_input(question, salt) if question else None,
        "decision": decision_shape(decision) if decision else None,
        "policy_revision": (decision.revision or None) if decision else None,
        "window": question.shape.get("window") if question else None,
        "positive": _indices(positive),
        "response_digest": salt.digest(response_body) if response_body else response_digest,
        "stage_us": stage_us or {},
        "salt": salt.name,
    }
    return _record(Kind.OUTCOME, _ids(context) | _outcome(result, members), context.decision_id)


def reduced_outcome(context: Context, decision: Decision, *, salt: Salt) -> Record:
    """OUTCOME `refused` with status 503, for an exchange whose full OUTCOME cannot be recorded."""
    members: Shape = {
        "status": 503,
        "decision": brief_decision(decision),
        "policy_revision": decision.revision or None,
        "salt": salt.name,
    }
    body = _ids(context) | _outcome(Result.REFUSED, members) | {"reduced": True}
    return _record(Kind.OUTCOME, body, context.decision_id)


def unknown_outcome(decision_id: str, request_id: str, trace_id: str) -> Record:
    """OUTCOME `unknown`, by which the next start closes an INTENT that a crash left open."""
    ids: Shape = {"decision_id": decision_id, "request_id": request_id, "trace_id": trace_id}
    return _record(Kind.OUTCOME, ids | _outcome(Result.UNKNOWN, {}), decision_id)


def refusal_summary(from_unix_ns: int, to_unix_ns: int, count: int, reasons: Mapping[str, int]) -> Record:
    """REFUSAL_SUMMARY: `count` refusals not recorded singly, and how often each reason was given."""
    body: Shape = {
        "from_unix_ns": from_unix_ns,
        "to_unix_ns": to_unix_ns,
        "count": count,
        "reasons": dict(sorted(reasons.items())),
    }
    return _record(Kind.REFUSAL_SUMMARY, body)


def event(name: Event, details: Mapping[str, object]) -> Record:
    """EVENT."""
    return _record(Kind.EVENT, {"event": name, "details": dict(details)})


def _ids(context: Context) -> Shape:
    return {
        "decision_id": context.decision_id,
        "request_id": context.request_id,
        "trace_id": context.trace_id,
    }


def _opening(
    context: Context,
    question: Question | None,
    decision: Decision,
    request: Request | None,
    *,
    salt: Salt,
    origin: Origin,
) -> Shape:
    """What INTENT and REFUSAL share. The query is never recorded.

    `request_digest` is null where there was no body, or it was not read.
    """
    return {
        "decision_id": context.decision_id,
        "request_id": context.request_id,
        "trace_id": context.trace_id,
        "parent_span_id": context.parent_span_id,
        "started_unix_ns": context.started_unix_ns,
        "mode": origin.mode,
        "request": {"method": request.method, "path": request.path[:PATH_LIMIT_CHARS]} if request else None,
        "source": {"address": network_of(request.source_address)} if request else None,
        "endpoint": context.endpoint.as_input() if context.endpoint else None,
        "input": request_input(question, salt) if question else None,
        "decision": decision_shape(decision),
        "policy_revision": decision.revision or None,
        "engine": origin.engine if question else None,
        "request_digest": salt.digest(request.body) if request and request.body else None,
        "salt": salt.name,
    }


_NOTHING: Shape = {
    "status": None,
    "input": None,
    "decision": None,
    "policy_revision": None,
    "window": None,
    "positive": None,
    "response_digest": None,
    "stage_us": {},
    "salt": None,
}


def _outcome(result: Result, members: Shape) -> Shape:
    return {"result": result, **_NOTHING, **members}


def _indices(positive: Sequence[bool] | None) -> list[int] | None:
    return None if positive is None else [index for index, counted in enumerate(positive) if counted]


def _record(kind: Kind, body: Shape, decision_id: str | None = None) -> Record:
    content = serialise(body)
    if _too_large(content):
        raise refused("audit_unavailable", f"the {kind} record is over {RECORD_LIMIT_BYTES} bytes")
    return Record(kind, content, decision_id)


def _too_large(content: bytes) -> bool:
    return len(content) > RECORD_LIMIT_BYTES - HEADER_RESERVE_BYTES
