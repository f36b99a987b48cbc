"""Spans to an OpenTelemetry collector over OTLP/HTTP: the only module that imports the SDK (extra `otlp`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags
from opentelemetry.trace.status import Status, StatusCode

from sidecar import telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.audit.span import SpanData

SERVICE = "model-policy-sidecar"


class OtlpSender:
    """Turns spans into the SDK's and sends them; `timeout_s` bounds one call, the SDK's retries included.

    Headers, certificates and the like come from OpenTelemetry's own environment variables.
    """

    def __init__(self, endpoint: str, *, version: str, instance: str, timeout_s: float) -> None:
        self._exporter = OTLPSpanExporter(endpoint=endpoint, timeout=timeout_s)
        self._scope = InstrumentationScope("sidecar", version)
        self._resource = Resource(
            {
                telemetry.SERVICE_NAME.name: SERVICE,
                telemetry.SERVICE_VERSION.name: version,
                telemetry.SERVICE_INSTANCE_ID.name: instance,
            }
        )

    def send(self, spans: Sequence[SpanData]) -> bool:
        """Whether the collector took them all."""
        return self._exporter.export([self._readable(span) for span in spans]) is SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Ends a call that still tries."""
        self._exporter.shutdown()

    def _readable(self, span: SpanData) -> ReadableSpan:
        return ReadableSpan(
            span.name,
            context=_context(span.trace_id, span.span_id, is_remote=False),
            parent=_context(span.trace_id, span.parent_span_id, is_remote=True) if span.parent_span_id else None,
            resource=self._resource,
            attributes=span.attributes,
            events=[Event(event.name, event.attributes, event.unix_ns) for event in span.events],
            kind=SpanKind.SERVER,
            status=Status(StatusCode.ERROR if span.is_error else StatusCode.UNSET),
            start_time=span.start_unix_ns,
            end_time=span.end_unix_ns,
            instrumentation_scope=self._scope,
        )


def _context(trace_id: str, span_id: str, *, is_remote: bool) -> SpanContext:
    """Every span counts as sampled: a client's flag decides what we pass on, not what is recorded here."""
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote, TraceFlags(TraceFlags.SAMPLED))
