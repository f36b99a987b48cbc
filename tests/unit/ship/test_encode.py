from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import SeverityNumber
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sidecar.ship.encode import Encoder, key_values
from sidecar.ship.log_record import LogData
from sidecar.ship.span import SpanData, SpanEvent
from tests.unit.ship.scripted import logs_of, plain, plain_value, spans_of

LOG = "e" * 32
ENCODER = Encoder(LOG, "1.2.3")
RESOURCE = {"service.name": "model-policy-sidecar", "service.version": "1.2.3", "service.instance.id": LOG}
SPAN = SpanData(
    name="POST infer",
    trace_id="b" * 32,
    span_id="0" * 14 + "a1",
    parent_span_id="c" * 16,
    start_unix_ns=5,
    end_unix_ns=9,
    attributes={"http.response.status_code": 503, "sidecar.reasons": ["policy_timeout"], "sidecar.mode": "enforce"},
    events=(SpanEvent("sidecar.decided", 7, {"sidecar.phase": "request"}),),
    is_error=True,
)


def encoded(span: SpanData) -> Span:
    [found] = spans_of(ExportTraceServiceRequest.FromString(ENCODER.encode([span])))
    return found


def test_a_whole_span() -> None:
    request = ExportTraceServiceRequest.FromString(ENCODER.encode([SPAN]))
    [resource] = request.resource_spans
    [scope] = resource.scope_spans
    [span] = scope.spans
    assert plain(resource.resource.attributes) == RESOURCE
    assert (scope.scope.name, scope.scope.version) == ("sidecar", "1.2.3")
    assert (span.name, span.kind) == ("POST infer", Span.SPAN_KIND_SERVER)
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == ("b" * 32, "0" * 14 + "a1", "c" * 16)
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (5, 9)
    assert (span.status.code, span.trace_state) == (Status.STATUS_CODE_ERROR, "")
    assert plain(span.attributes) == SPAN.attributes
    [event] = span.events
    assert (event.name, event.time_unix_nano, plain(event.attributes)) == (
        "sidecar.decided",
        7,
        {"sidecar.phase": "request"},
    )


def test_every_span_counts_as_sampled_and_says_whether_its_parent_is_elsewhere() -> None:
    """The flags of W3C Trace Context in the low byte; 0x100 and 0x200 are OTLP's."""
    assert encoded(SPAN).flags == 0x301
    root = encoded(replace(SPAN, parent_span_id=None, is_error=False))
    assert (root.flags, root.parent_span_id, root.status.code) == (0x101, b"", Status.STATUS_CODE_UNSET)


def test_a_whole_log_record() -> None:
    data = LogData("sidecar.start", 5, {"revision": "rev-1"}, {"sidecar.audit.sequence": 7})
    request = ExportLogsServiceRequest.FromString(ENCODER.encode([data]))
    [record] = logs_of(request)
    assert plain(request.resource_logs[0].resource.attributes) == RESOURCE
    assert (record.event_name, record.time_unix_nano, record.observed_time_unix_nano) == ("sidecar.start", 5, 5)
    assert (record.severity_number, record.severity_text) == (SeverityNumber.SEVERITY_NUMBER_INFO, "INFO")
    assert plain_value(record.body) == {"revision": "rev-1"}
    assert plain(record.attributes) == {"sidecar.audit.sequence": 7}


NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1) | st.floats(allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON))
def test_values_of_json_stay_what_they_are(body: dict[str, object]) -> None:
    assert plain(key_values(body)) == body


def test_a_number_that_otlp_has_no_integer_for_is_a_float() -> None:
    assert plain(key_values({"n": 2**64 - 1})) == {"n": float(2**64)}
