"""A model server for tests: real HTTP on a port of its own, and a memory of everything that reached it."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator


@dataclass
class RecordingServer:
    """Answers every POST with a V2 prediction of `score`; `received` holds path, headers and body of each."""

    url: str = ""
    score: float = 0.5
    received: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list[tuple[str, dict[str, str], bytes]])

    def answer(self) -> bytes:
        outputs: list[dict[str, Any]] = [
            {"name": "score", "shape": [1], "datatype": "FP64", "data": [self.score]},
            {"name": "label", "shape": [1], "datatype": "BYTES", "data": ["approve"]},
        ]
        return json.dumps({"model_name": "credit", "outputs": outputs}).encode()


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@contextmanager
def answering(answer: Callable[[Asked], tuple[int, bytes]]) -> Generator[str]:
    """An HTTP server's URL, until the block ends. `answer` gives status and body, which is JSON."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, said = answer(Asked(self.command, self.path, dict(self.headers.items()), body))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        do_POST = do_GET  # noqa: N815 - the base class's word

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def recording_server() -> Generator[RecordingServer]:
    """Serves until the block ends."""
    recording = RecordingServer()

    def answer(asked: Asked) -> tuple[int, bytes]:
        if asked.method != "POST":
            return 200, b"{}"
        recording.received.append((asked.path, asked.headers, asked.body))
        return 200, recording.answer()

    with answering(answer) as recording.url:
        yield recording
