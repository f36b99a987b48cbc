"""A small HTTP server for pods: it tells what it sees of its container, breaks when asked, and ends gracefully.

Each line of its output is one event as JSON, with the time of the machine's monotonic clock.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import ssl
import sys
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def tell(event: str) -> None:
    print(json.dumps({"at_s": time.monotonic(), "event": event}), flush=True)


class UnixHTTPServer(ThreadingHTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        self.socket.bind(self.server_address)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, _ = self.socket.accept()
        return connection, ("unix", 0)


class Handler(BaseHTTPRequestHandler):
    """GET /health, /facts; POST /break: /health fails from now on; POST /review: refuses any AdmissionReview."""

    is_broken = False

    def __init__(self, options: argparse.Namespace, *rest: Any) -> None:
        self._options = options
        super().__init__(*rest)

    def do_GET(self) -> None:
        if self.path == "/facts":
            self._answer(200, facts(self._options))
        else:
            self._answer(503 if Handler.is_broken else 200, {"host": socket.gethostname()})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/break":
            Handler.is_broken = True
            self._answer(200, {})
        else:
            uid = json.loads(body)["request"]["uid"]
            response = {"uid": uid, "allowed": False, "status": {"message": "refused by a pod"}}
            self._answer(200, {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as its base calls it
        pass

    def _answer(self, status: int, value: object) -> None:
        content = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def facts(options: argparse.Namespace) -> dict[str, object]:
    """What the process may do and see."""
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {
        "user": [os.getuid(), os.getgid(), *os.getgroups()],
        "capabilities": [int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")],
        "no_new_privileges": status["NoNewPrivs"] == "1",
        "seccomp": status["Seccomp"] == "2",
        "writable": [path for path in options.write if is_writable(Path(path))],
        "files": {path: Path(path).read_text() for path in options.read},
        "env": {name: os.environ.get(name) for name in options.env},
        "peer": ask_unix(options.peer) if options.peer else None,
        "hostname": socket.gethostname(),
    }


def is_writable(folder: Path) -> bool:
    try:
        (folder / "written").write_text("")
    except OSError:
        return False
    return True


def ask_unix(path: str) -> str:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"GET /health HTTP/1.0\r\n\r\n")
        return client.makefile().readline().strip()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", required=True, help="HOST:PORT, or a path")
    parser.add_argument("--certificate", help="a folder with tls.crt and tls.key")
    parser.add_argument("--peer", help="a socket to ask for its health")
    for name in ("--read", "--write", "--env"):
        parser.add_argument(name, action="append", default=[])
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    address = (host, int(port)) if host else options.listen
    server = (ThreadingHTTPServer if host else UnixHTTPServer)(address, partial(Handler, options))
    if options.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{options.certificate}/tls.crt", f"{options.certificate}/tls.key")
        server.socket = context.wrap_socket(server.socket, server_side=True)

    def end(_number: int, _frame: object) -> None:
        tell("told to end")
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, end)
    tell("started")
    server.serve_forever(poll_interval=0.05)
    tell("ended")
    sys.exit(0)


if __name__ == "__main__":
    main()
