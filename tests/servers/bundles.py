"""A bundle server as OPA knows one: entity tags and long polling over HTTP, and the bytes that a test gives it."""

from __future__ import annotations

import hashlib
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

LONG_POLLING = "application/vnd.openpolicyagent.bundles"
"""The media type by which a server says that it takes `Prefer: wait`."""
_WAIT = re.compile(r"wait=(\d+)")


class BundleServer:
    """What is put under a name is served at `/NAME.tar.gz`, and whoever waits for a change is told at once."""

    def __init__(self) -> None:
        self._bundles: dict[str, bytes] = {}
        self._changed = threading.Condition()
        self._server: ThreadingHTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    def put(self, name: str, content: bytes) -> None:
        """Publishes: these bytes from now on."""
        with self._changed:
            self._bundles[name] = content
            self._changed.notify_all()

    def start(self) -> None:
        """Listens; after a `stop` on the same port."""
        server = _Server(("127.0.0.1", self.port), _handler(self))
        self._server, self.port = server, server.server_port
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        """Gone, with all its connections: who waits for an answer gets none."""
        server, self._server = self._server, None
        if server is None or self._thread is None:
            return
        server.shutdown()
        self._thread.join()
        with self._changed:
            self._changed.notify_all()
        server.server_close()

    def answer(self, name: str, known: str | None, wait_s: float) -> tuple[bytes | None, str, bool]:
        """The content (None: there is none), its tag, and whether it differs from what is known."""
        with self._changed:
            self._changed.wait_for(lambda: self._server is None or self._tag(name) != known, wait_s)
            if self._server is None:
                raise ConnectionAbortedError
            tag = self._tag(name)
            return self._bundles.get(name), tag, tag != known

    def _tag(self, name: str) -> str:
        content = self._bundles.get(name)
        return "" if content is None else f'"{hashlib.sha256(content).hexdigest()[:16]}"'


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that is gone, or a server that was stopped: both are what tests do."""


def _handler(served: BundleServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/").removesuffix(".tar.gz")
            wait = _WAIT.search(self.headers.get("Prefer", ""))
            known = self.headers.get("If-None-Match")
            content, tag, is_new = served.answer(name, known, float(wait[1]) if wait else 0.0)
            self.send_response(404 if content is None else 200 if is_new else 304)
            self.send_header("Content-Type", LONG_POLLING)
            self.send_header("ETag", tag)
            body = content if content is not None and is_new else b""
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's word
            pass

    return Handler


@contextmanager
def bundle_server() -> Generator[BundleServer]:
    """One that listens until the end of the block."""
    server = BundleServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()
