"""Spans and log records as OTLP's protobuf messages (extra `otlp`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import (
    AnyValue,
    ArrayValue,
    InstrumentationScope,
    KeyValue,
    KeyValueList,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, ScopeLogs, SeverityNumber
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, SpanFlags, Status

from sidecar.ship.log_record import LogData
from sidecar.ship.span import SpanData
from sidecar.telemetry import spans as names

SERVICE = "model-policy-sidecar"
SCOPE = "sidecar"
INT64_MAX = 2**63 - 1
COMMON_ATTRIBUTES = 4_096
COMMON_CHARS = 64
"""Attributes that are remembered, encoded: some 2 MiB at most, for a third of the CPU."""
SAMPLED = 1
"""W3C Trace Context, section 3.2.2.5. Always set: a client's flag decides what we pass on, not what is shipped."""


class Encoder:
    """Makes export requests of one log: its identity is the resource's instance id."""

    def __init__(self, log_id: str, version: str) -> None:
        identity = {
            names.SERVICE_NAME.name: SERVICE,
            names.SERVICE_VERSION.name: version,
            names.SERVICE_INSTANCE_ID.name: log_id,
        }
        self._resource = Resource(attributes=key_values(identity))
        self._scope = InstrumentationScope(name=SCOPE, version=version)

    def encode(self, items: Sequence[SpanData | LogData]) -> bytes:
        """One request with all items, which are of one kind."""
        spans = [_span(item) for item in items if isinstance(item, SpanData)]
        if spans:
            of_scope = ScopeSpans(scope=self._scope, spans=spans)
            resource = ResourceSpans(resource=self._resource, scope_spans=[of_scope])
            return ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
        records = [_log_record(item) for item in items if isinstance(item, LogData)]
        logs = ScopeLogs(scope=self._scope, log_records=records)
        return ExportLogsServiceRequest(
            resource_logs=[ResourceLogs(resource=self._resource, scope_logs=[logs])]
        ).SerializeToString()


def _span(span: SpanData) -> Span:
    flags = SAMPLED | SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
    if span.parent_span_id:
        flags |= SpanFlags.SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK
    return Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id or ""),
        flags=flags,
        name=span.name,
        kind=Span.SPAN_KIND_SERVER,
        start_time_unix_nano=span.start_unix_ns,
        end_time_unix_nano=span.end_unix_ns,
        attributes=key_values(span.attributes),
        events=[
            Span.Event(name=event.name, time_unix_nano=event.unix_ns, attributes=key_values(event.attributes))
            for event in span.events
        ],
        status=Status(code=Status.STATUS_CODE_ERROR if span.is_error else Status.STATUS_CODE_UNSET),
    )


def _log_record(log: LogData) -> LogRecord:
    return LogRecord(
        time_unix_nano=log.unix_ns,
        observed_time_unix_nano=log.unix_ns,
        severity_number=SeverityNumber.SEVERITY_NUMBER_INFO,
        severity_text="INFO",
        event_name=log.event_name,
        body=_value(log.body),
        attributes=key_values(log.attributes),
    )


def key_values(mapping: Mapping[str, Any]) -> list[KeyValue]:
    """A mapping of JSON's values as OTLP's attributes."""
    return [
        _common(key, value) if _is_short(value) else KeyValue(key=key, value=_value(value))
        for key, value in mapping.items()
    ]


def _is_short(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, str) and len(value) <= COMMON_CHARS)


@lru_cache(maxsize=COMMON_ATTRIBUTES, typed=True)
def _common(key: str, value: str | int) -> KeyValue:
    """Most attributes of a span are those of the one before. Never changed: what is made of it has a copy."""
    return KeyValue(key=key, value=_value(value))


def _value(value: object) -> AnyValue:
    """None, and whatever JSON does not have, is OTLP's null."""
    match value:
        case str():
            found = AnyValue(string_value=value)
        case bool():  # before int, of which it is one
            found = AnyValue(bool_value=value)
        case int() if abs(value) <= INT64_MAX:
            found = AnyValue(int_value=value)
        case float() | int():
            found = AnyValue(double_value=value)
        case Mapping():
            found = AnyValue(kvlist_value=KeyValueList(values=key_values(cast("Mapping[str, Any]", value))))
        case Sequence():
            items = [_value(item) for item in cast("Sequence[object]", value)]
            found = AnyValue(array_value=ArrayValue(values=items))
        case _:
            found = AnyValue()
    return found
