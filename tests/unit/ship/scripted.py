"""A collector that does as it is told: a real HTTP server that decodes what it gets."""

from __future__ import annotations

import gzip
import threading
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest, ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
    from opentelemetry.proto.trace.v1.trace_pb2 import Span

DECISION_ID = "sidecar.decision_id"


@dataclass(frozen=True)
class Answer:
    """`raw`, where given, is all that goes over the wire."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    raw: bytes | None = None


@dataclass(frozen=True)
class Got:
    path: str
    headers: Mapping[str, str]
    message: ExportTraceServiceRequest | ExportLogsServiceRequest
    was_taken: bool


def rejected(spans: int, message: str) -> Answer:
    """A partial success."""
    response = ExportTraceServiceResponse()
    response.partial_success.rejected_spans = spans
    response.partial_success.error_message = message
    return Answer(body=response.SerializeToString())


def rejected_logs(count: int) -> Answer:
    response = ExportLogsServiceResponse()
    response.partial_success.rejected_log_records = count
    return Answer(body=response.SerializeToString())


class ScriptedCollector:
    """Gives `answers` in turn, then 400 to a batch with a decision in `poison`, `fallback` to all else."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.answers: deque[Answer] = deque()
        self.fallback = Answer()
        self.by_path: dict[str, Answer] = {}
        self.poison: set[str] = set()
        self.got: list[Got] = []
        self.gate = threading.Event()
        self.gate.set()
        it = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                it.gate.wait(10)
                with suppress(ConnectionError):  # the client has given up
                    self._give(it.take(self.path, dict(self.headers), body))

            def _give(self, answer: Answer) -> None:
                if answer.raw is not None:
                    self.wfile.write(answer.raw)
                    self.close_connection = True
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # a handshake that the client broke off
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        self.gate.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        plain = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        kind = ExportLogsServiceRequest if path.endswith("/v1/logs") else ExportTraceServiceRequest
        message = kind.FromString(plain)
        answer = self._answer(path, message)
        self.got.append(Got(path, headers, message, answer.status == 200 and answer.raw is None))
        return answer

    def _answer(self, path: str, message: Any) -> Answer:
        if self.answers:
            return self.answers.popleft()
        if any(plain(span.attributes)[DECISION_ID] in self.poison for span in spans_of(message)):
            return Answer(400, b"no such attribute")
        return self.by_path.get(path, self.fallback)

    @property
    def spans(self) -> list[Span]:
        """Those of requests that were answered 200, repeats included."""
        return [span for got in self.got if got.was_taken for span in spans_of(got.message)]

    @property
    def logs(self) -> list[LogRecord]:
        """See `spans`."""
        return [record for got in self.got if got.was_taken for record in logs_of(got.message)]

    @property
    def decisions(self) -> list[str]:
        """Decision ids of `spans`."""
        return [plain(span.attributes)[DECISION_ID] for span in self.spans]


def spans_of(message: Any) -> list[Span]:
    found = getattr(message, "resource_spans", [])
    return [span for resource in found for scope in resource.scope_spans for span in scope.spans]


def logs_of(message: Any) -> list[LogRecord]:
    found = getattr(message, "resource_logs", [])
    return [record for resource in found for scope in resource.scope_logs for record in scope.log_records]


def plain(attributes: Any) -> dict[str, Any]:
    """Protobuf's key-values as a mapping."""
    return {each.key: plain_value(each.value) for each in attributes}


def plain_value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    found = getattr(value, kind)
    if kind == "array_value":
        return [plain_value(item) for item in found.values]
    return plain(found.values) if kind == "kvlist_value" else found
