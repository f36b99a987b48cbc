"""One exchange as a span, read from its audit records alone: who has the log can make the same span again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidecar.audit.context import span_id_of
from sidecar.audit.port import Kind
from sidecar.audit.records import Result
from sidecar.model.reasons import Reason, leading
from sidecar.telemetry import spans as names

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

Value = str | int | list[str]
Record = dict[str, Any]
Found = dict[names.Attribute, Value | None]

_METHODS = frozenset(("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"))
"""Those that the semantic conventions know; any other would be a name without bound."""
_OTHER_METHOD = "_OTHER"


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """An event of a span."""

    name: str
    unix_ns: int
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class SpanData:
    """A span before it is encoded. Ids are in hexadecimal; `parent_span_id` is None at the root of a trace.

    Trace id and span id follow from the records, so that a receiver can drop what it gets twice.
    """

    name: str
    trace_id: str
    span_id: str
    parent_span_id: str | None
    start_unix_ns: int
    end_unix_ns: int
    attributes: Mapping[str, Value]
    events: tuple[SpanEvent, ...]
    is_error: bool


def read_span(*records: Record) -> SpanData:
    """From an INTENT and its OUTCOME, or a REFUSAL. One of the first two alone gives a span of what it has.

    Raises KeyError, TypeError or ValueError for records that are none of these.
    """
    first, last = records[0], records[-1]
    started_unix_ns: int = first.get("started_unix_ns", first["time_unix_ns"])
    attributes = _named(_of_exchange(records) | _of_request(first) | _of_stages(last))
    return SpanData(
        name=_name(attributes),
        trace_id=first["trace_id"],
        span_id=span_id_of(first["decision_id"]),
        parent_span_id=first.get("parent_span_id"),
        start_unix_ns=started_unix_ns,
        end_unix_ns=max(last["time_unix_ns"], started_unix_ns),
        attributes=attributes,
        events=tuple(_events(records)),
        is_error=_is_error(last),
    )


def _name(attributes: Mapping[str, Value]) -> str:
    """The registry's pattern; `HTTP` is what the semantic conventions want where the method is not known."""
    method = attributes.get(names.HTTP_METHOD.name, _OTHER_METHOD)
    operation = attributes.get(names.OPERATION.name)
    shown = "HTTP" if method == _OTHER_METHOD else str(method)
    return f"{shown} {operation}" if operation else shown


def _is_error(last: Record) -> bool:
    """Semantic conventions: of a server's span, only a 5xx is an error."""
    return (last.get("status") or 0) >= 500


def _of_exchange(records: tuple[Record, ...]) -> Found:
    first, last = records[0], records[-1]
    decisions: list[Record] = [record["decision"] for record in records if record["decision"] is not None]
    reasons: list[Record] = decisions[-1]["reasons"] if decisions else []
    return {
        names.HTTP_STATUS: last.get("status"),
        names.ERROR_TYPE: _leading(reasons) if _is_error(last) and reasons else None,
        names.DECISION_ID: first["decision_id"],
        names.REQUEST_ID: first["request_id"],
        names.RESULT: last.get("result", Result.REFUSED.value if last["kind"] == Kind.REFUSAL else None),
        names.MODE: first.get("mode"),
        names.ENGINE: first.get("engine"),
        names.DECISION: _verdict(decisions) if decisions else None,
        names.REASONS: _codes(decisions, "reasons"),
        names.SHADOW_REASONS: _codes(decisions, "shadow"),
        names.FLAGGED: _flagging(decisions),
        names.POLICY_REVISION: last["policy_revision"] or first["policy_revision"],
        names.AUDIT_LOG: last["log"],
        names.AUDIT_SEQUENCE: last["sequence"],
    }


def _of_request(first: Record) -> Found:
    request: Record = first.get("request") or {}
    endpoint: Record = first.get("endpoint") or {}
    asked: Record = first.get("input") or {}
    attributes: Record = asked.get("attributes") or {}
    return {
        **_of_method(request.get("method")),
        names.URL_PATH: request.get("path"),
        names.PROTOCOL: endpoint.get("protocol"),
        names.OPERATION: endpoint.get("operation"),
        names.MODEL_NAME: endpoint.get("model"),
        names.MODEL_VERSION: endpoint.get("version"),
        names.DATA_VERSION: attributes.get("data_version", {}).get("value"),
        names.CONSENT_SCOPE: attributes.get("consent_scope", {}).get("value"),
        names.CONSENT_STATUS: asked.get("consent", {}).get("status"),
        names.INSTANCES: asked.get("instances"),
    }


def _of_method(method: str | None) -> Found:
    if method is None or method in _METHODS:
        return {names.HTTP_METHOD: method}
    return {names.HTTP_METHOD: _OTHER_METHOD, names.HTTP_METHOD_ORIGINAL: method}


def _of_stages(last: Record) -> Found:
    stages: Mapping[str, int] = last.get("stage_us") or {}
    return {names.STAGE_US[name]: took for name, took in stages.items() if name in names.STAGE_US}


def _events(records: Iterable[Record]) -> Iterator[SpanEvent]:
    for record in records:
        decision: Record | None = record["decision"]
        if decision is None:
            continue
        found: Found = {
            names.PHASE: "response" if record["kind"] == Kind.OUTCOME else "request",
            names.DECISION: _verdict([decision]),
            names.REASONS: _codes([decision], "reasons"),
            names.SHADOW_REASONS: _codes([decision], "shadow"),
            names.FLAGGED: _flagging([decision]),
            names.POLICY_REVISION: record["policy_revision"],
        }
        yield SpanEvent(names.DECIDED.name, record["time_unix_ns"], _named(found))


def _verdict(decisions: Iterable[Record]) -> str:
    return "allow" if all(decision["allow"] for decision in decisions) else "deny"


def _codes(decisions: Iterable[Record], part: str) -> list[str] | None:
    """Sorted reason codes; None, and so no attribute, where there are none."""
    return sorted({reason["code"] for decision in decisions for reason in decision[part]}) or None


def _flagging(decisions: Iterable[Record]) -> list[str] | None:
    """Sorted rules; None, and so no attribute, where none flagged it."""
    obligations = [obligation for decision in decisions for obligation in decision["obligations"]]
    return sorted({str(one.get("rule") or "sidecar") for one in obligations if one["type"] == "flag_review"}) or None


def _leading(reasons: Iterable[Record]) -> str:
    return leading(Reason(reason["code"], "") for reason in reasons).code


def _named(found: Found) -> dict[str, Value]:
    return {attribute.name: value for attribute, value in found.items() if value is not None}
