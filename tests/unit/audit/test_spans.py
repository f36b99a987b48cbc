from __future__ import annotations

import asyncio
import logging
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from sidecar.audit import spans
from sidecar.audit.spans import BATCH_SPANS, QUEUE_LIMIT, OtlpMissingError, SpanExporter, traces_url
from tests.unit.audit.samples import context

if TYPE_CHECKING:
    from collections.abc import Iterator

REVISION = "rev-1"
START_NS = 1_795_300_000_000_000_000
ALLOWED = {"allow": True, "reasons": [], "shadow": []}


class Collector:
    """A real HTTP server that decodes what it gets, and can be made to fail or to hang."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, ExportTraceServiceRequest]] = []
        self.status = 200
        self.gate = threading.Event()
        self.gate.set()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.gate.wait(10)
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if collector.status == 200:
                    collector.requests.append((self.path, ExportTraceServiceRequest.FromString(body)))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def spans(self) -> list[Span]:
        return [
            span
            for _, request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    yield collector
    collector.close()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """The SDK logs every batch that it cannot send."""
    logger = logging.getLogger("opentelemetry")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(level)


def refusal(number: int, **changes: Any) -> bytes:
    return orjson.dumps(
        {
            "sequence": 7,
            "time_unix_ns": START_NS + 5,
            "decision_id": context(number).decision_id,
            "request_id": "r",
            "trace_id": "b" * 32,
            "parent_span_id": "c" * 16,
            "started_unix_ns": START_NS,
            "mode": "enforce",
            "request": {"method": "POST", "path": "/"},
            "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": None},
            "input": None,
            "decision": {"allow": False, "reasons": [{"code": "audit_unavailable"}], "shadow": []},
            "policy_revision": REVISION,
            "engine": None,
            "status": 503,
            **changes,
        }
    )


def exporter(url: str) -> SpanExporter:
    return SpanExporter(url, version="0.1.0", log_id="log-1")


def plain(attributes: Any) -> dict[str, Any]:
    """Protobuf's key-values as a mapping."""
    found: dict[str, Any] = {}
    for each in attributes:
        kind = each.value.WhichOneof("value")
        value = getattr(each.value, kind)
        found[each.key] = [item.string_value for item in value.values] if kind == "array_value" else value
    return found


async def test_a_whole_span_reaches_a_collector(collector: Collector) -> None:
    sender = exporter(collector.url)
    sender.finished(refusal(0xA1 << 64), None)
    await sender.aclose()
    [(path, request)] = collector.requests
    [resource] = request.resource_spans
    [scope] = resource.scope_spans
    [span] = scope.spans
    assert path == "/v1/traces"
    assert plain(resource.resource.attributes) == {
        "service.name": "model-policy-sidecar",
        "service.version": "0.1.0",
        "service.instance.id": "log-1",
    }
    assert (scope.scope.name, scope.scope.version) == ("sidecar", "0.1.0")
    assert (span.name, span.kind, span.status.code) == (
        "POST infer",
        Span.SpanKind.SPAN_KIND_SERVER,
        Status.StatusCode.STATUS_CODE_ERROR,
    )
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()) == (
        "b" * 32,
        f"{0xA1:016x}",
        "c" * 16,
    )
    assert (span.start_time_unix_nano, span.end_time_unix_nano) == (START_NS, START_NS + 5)
    assert plain(span.attributes) == {
        "http.request.method": "POST",
        "http.response.status_code": 503,
        "url.path": "/",
        "error.type": "audit_unavailable",
        "sidecar.decision_id": context(0xA1 << 64).decision_id,
        "sidecar.request_id": "r",
        "sidecar.result": "refused",
        "sidecar.mode": "enforce",
        "sidecar.decision": "deny",
        "sidecar.reasons": ["audit_unavailable"],
        "sidecar.policy.revision": REVISION,
        "sidecar.audit.sequence": 7,
        "sidecar.protocol": "v2",
        "sidecar.operation": "infer",
        "sidecar.model.name": "credit",
    }
    [event] = span.events
    assert (event.name, event.time_unix_nano) == ("sidecar.decided", START_NS + 5)
    assert plain(event.attributes) == {
        "sidecar.phase": "request",
        "sidecar.decision": "deny",
        "sidecar.reasons": ["audit_unavailable"],
        "sidecar.policy.revision": REVISION,
    }
    assert (sender.exported_total, sum(sender.dropped_total.values())) == (1, 0)


async def test_intent_and_outcome_are_one_span_and_a_root_has_no_parent(collector: Collector) -> None:
    sender = exporter(collector.url)
    opening = refusal(1 << 64, parent_span_id=None, decision=ALLOWED)
    closing = {"sequence": 2, "time_unix_ns": START_NS + 9, "status": 200, "result": "released"}
    closing |= {"decision": None, "policy_revision": None, "stage_us": {"upstream": 7}}
    sender.finished(opening, orjson.dumps(closing))
    await sender.aclose()
    [span] = collector.spans()
    assert (span.parent_span_id, span.end_time_unix_nano) == (b"", START_NS + 9)
    assert span.status.code == Status.StatusCode.STATUS_CODE_UNSET
    attributes = plain(span.attributes)
    assert (attributes["sidecar.result"], attributes["sidecar.stage.upstream_us"]) == ("released", 7)


async def test_batches_go_out_before_the_close_and_every_span_once(collector: Collector) -> None:
    sender = exporter(collector.url)
    count = 2 * BATCH_SPANS + 1
    for number in range(1, count + 1):
        sender.finished(refusal(number << 64), None)
    await sender.aclose()
    assert sorted(int(span.span_id.hex(), 16) for span in collector.spans()) == list(range(1, count + 1))
    assert sender.exported_total == count


async def test_a_collector_that_refuses_costs_spans_only(collector: Collector) -> None:
    collector.status = 400
    sender = exporter(collector.url)
    sender.finished(refusal(1 << 64), None)
    await sender.aclose()
    assert (sender.exported_total, sender.dropped_total) == (
        0,
        {"queue_full": 0, "export_failed": 1, "closed": 0},
    )


async def test_a_collector_that_hangs_bounds_queue_and_close(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spans, "CLOSE_TIMEOUT_S", 0.1)
    collector.gate.clear()
    sender = exporter(collector.url)
    for number in range(1, QUEUE_LIMIT + 2 * BATCH_SPANS + 1):
        sender.finished(refusal(number << 64), None)
    assert sender.dropped_total["queue_full"] >= BATCH_SPANS
    await asyncio.wait_for(sender.aclose(), 5)
    collector.gate.set()
    sender._thread.join(10)
    lost = sum(sender.dropped_total.values())
    assert (sender.dropped_total["closed"] > 0, lost + sender.exported_total) == (True, QUEUE_LIMIT + 2 * BATCH_SPANS)


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "sidecar.audit.otlp", None)
    with pytest.raises(OtlpMissingError, match=r"pip install 'model-policy-sidecar\[otlp\]'"):
        exporter("http://localhost")


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("http://c:4318", "http://c:4318/v1/traces"),
        ("http://c:4318/", "http://c:4318/v1/traces"),
        ("https://c/otlp/v1/traces", "https://c/otlp/v1/traces"),
    ],
)
def test_a_url_without_a_path_gets_the_specified_one(given: str, used: str) -> None:
    assert traces_url(given) == used
