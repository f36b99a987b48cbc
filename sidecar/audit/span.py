"""One exchange as a span, read from its audit records alone: who has the log can make the same span again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidecar import telemetry
from sidecar.audit.context import span_id_of
from sidecar.model.reasons import Reason, leading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Value = str | int | list[str]
Record = dict[str, Any]
Found = dict[telemetry.Attribute, Value | None]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span."""

    name: str
    unix_ns: int
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SpanData:
    """A span before any SDK. Ids are in hexadecimal; `parent_span_id` is None at the root of a trace."""

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int
    attributes: Mapping[str, Value]
    events: tuple[SpanEvent, ...]
    is_error: bool


def read_span(opening: Record, closing: Record | None) -> SpanData:
    """From an INTENT and its OUTCOME, or from a REFUSAL alone."""
    last = closing or opening
    attributes = _named(_of_exchange(opening, last) | _of_request(opening) | _of_stages(last))
    return SpanData(
        name=_name(attributes),
        trace_id=opening["trace_id"],
        span_id=span_id_of(opening["decision_id"]),
        parent_span_id=opening["parent_span_id"],
        start_unix_ns=opening["started_unix_ns"],
        end_unix_ns=max(last["time_unix_ns"], opening["started_unix_ns"]),
        attributes=attributes,
        events=tuple(_events(opening, closing)),
        is_error=_is_error(last),
    )


def _name(attributes: Mapping[str, Value]) -> str:
    """The registry's pattern; `HTTP` is what the semantic conventions want where the method is not known."""
    method = attributes.get(telemetry.HTTP_METHOD.name, "HTTP")
    operation = attributes.get(telemetry.OPERATION.name)
    return f"{method} {operation}" if operation else str(method)


def _is_error(last: Record) -> bool:
    """Semantic conventions: of a server's span, only a 5xx is an error."""
    return (last["status"] or 0) >= 500


def _of_exchange(opening: Record, last: Record) -> Found:
    decisions = _decisions(opening, last)
    reasons = decisions[-1]["reasons"]
    return {
        telemetry.HTTP_STATUS: last["status"],
        telemetry.ERROR_TYPE: _leading(reasons) if _is_error(last) and reasons else None,
        telemetry.DECISION_ID: opening["decision_id"],
        telemetry.REQUEST_ID: opening["request_id"],
        telemetry.RESULT: last.get("result", "refused"),
        telemetry.MODE: opening["mode"],
        telemetry.ENGINE: opening["engine"],
        telemetry.DECISION: _verdict(decisions),
        telemetry.REASONS: _codes(decisions, "reasons"),
        telemetry.SHADOW_REASONS: _codes(decisions, "shadow"),
        telemetry.POLICY_REVISION: last["policy_revision"] or opening["policy_revision"],
        telemetry.AUDIT_SEQUENCE: last["sequence"],
    }


def _of_request(opening: Record) -> Found:
    request: Record = opening["request"] or {}
    endpoint: Record = opening["endpoint"] or {}
    found: Found = {
        telemetry.HTTP_METHOD: request.get("method"),
        telemetry.URL_PATH: request.get("path"),
        telemetry.PROTOCOL: endpoint.get("protocol"),
        telemetry.OPERATION: endpoint.get("operation"),
        telemetry.MODEL_NAME: endpoint.get("model"),
        telemetry.MODEL_VERSION: endpoint.get("version"),
    }
    asked: Record | None = opening["input"]
    if asked is not None:
        found |= {
            telemetry.DATA_VERSION: asked["attributes"]["data_version"]["value"],
            telemetry.CONSENT_SCOPE: asked["attributes"]["consent_scope"]["value"],
            telemetry.CONSENT_STATUS: asked["consent"]["status"],
            telemetry.INSTANCES: asked["instances"],
        }
    return found


def _of_stages(last: Record) -> Found:
    stages: Mapping[str, int] = last.get("stage_us") or {}
    return {telemetry.STAGE_US[name]: took for name, took in stages.items() if name in telemetry.STAGE_US}


def _events(opening: Record, closing: Record | None) -> Iterator[SpanEvent]:
    for phase, record in (("request", opening), ("response", closing)):
        if record is None or record["decision"] is None:
            continue
        decision: Record = record["decision"]
        found: Found = {
            telemetry.PHASE: phase,
            telemetry.DECISION: _verdict([decision]),
            telemetry.REASONS: _codes([decision], "reasons"),
            telemetry.SHADOW_REASONS: _codes([decision], "shadow"),
            telemetry.POLICY_REVISION: record["policy_revision"],
        }
        yield SpanEvent(telemetry.DECIDED.name, record["time_unix_ns"], _named(found))


def _decisions(opening: Record, last: Record) -> list[Record]:
    records = (opening,) if last is opening else (opening, last)
    return [record["decision"] for record in records if record["decision"] is not None]


def _verdict(decisions: Iterable[Record]) -> str:
    return "allow" if all(decision["allow"] for decision in decisions) else "deny"


def _codes(decisions: Iterable[Record], part: str) -> list[str] | None:
    """Sorted reason codes; None, and so no attribute, where there are none."""
    return sorted({reason["code"] for decision in decisions for reason in decision[part]}) or None


def _leading(reasons: Iterable[Record]) -> str:
    return leading(Reason(reason["code"], "") for reason in reasons).code


def _named(found: Found) -> dict[str, Value]:
    return {attribute.name: value for attribute, value in found.items() if value is not None}
