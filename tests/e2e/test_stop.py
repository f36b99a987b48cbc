"""SIGTERM while requests are at work: each client is told, and each exchange is on record."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from sidecar.app.serving import DRAIN_S
from tests.e2e.test_run import BODY, PATH
from tests.process import sidecar, started, wait_until
from tests.upstream import recording_server

if TYPE_CHECKING:
    from pathlib import Path


def test_sigterm_tells_every_client_and_leaves_every_record(tmp_path: Path) -> None:
    """Two at work, one whose answer comes in time, one whose body never ends."""
    held, last = threading.Event(), threading.Event()
    with recording_server() as upstream, sidecar(tmp_path, upstream.url) as running:
        answered = upstream.answer
        gates = iter([held, last, last])
        upstream.answer = lambda: next(gates).wait(60) and answered()  # type: ignore[method-assign,assignment,return-value]
        with ThreadPoolExecutor() as pool, contextlib.ExitStack() as stack:
            stack.callback(last.set)
            stack.callback(held.set)
            calls = []
            for count in (1, 2, 3):
                calls.append(pool.submit(running.infer, PATH, BODY))
                wait_until(lambda count=count: len(upstream.received) == count)  # type: ignore[misc]
            half = stack.enter_context(half_a_request(running.ports[0]))
            size_bytes = 3 * len(json.dumps(BODY)) + 2
            wait_until(
                lambda: any(f" {size_bytes}.0" in x for x in running.metrics().splitlines() if "body_bytes" in x)
            )
            running.process.send_signal(signal.SIGTERM)
            wait_until(lambda: "stopping" in running.log)
            held.set()
            in_time, *late = [call.result() for call in calls]
            told = half.makefile("rb").read()
        assert running.process.wait(DRAIN_S) == 0, running.log
        assert in_time.status == 200
        assert [(a.status, a.codes, a.headers["retry-after"]) for a in late] == [(503, ["shutting_down"], "1")] * 2
        assert b" 503 " in told.splitlines()[0]
        problem = json.loads(told.rpartition(b"\r\n")[2])
        assert [reason["code"] for reason in problem["reasons"]] == ["shutting_down"]
        assert "Traceback" not in running.log
        kinds = Counter(record["kind"] for record in running.records() if record["kind"] != "EVENT")
        assert kinds == {"INTENT": 3, "OUTCOME": 3, "REFUSAL": 1}
        refusal = next(record for record in running.records() if record["kind"] == "REFUSAL")
        assert refusal["decision_id"] == problem["decision_id"]
        ended = [record["result"] for record in running.records() if record["kind"] == "OUTCOME"]
        assert ended[0] == "released"
        assert "released" not in ended[1:]


def half_a_request(address: str) -> socket.socket:
    """A client that sends two of five bytes."""
    host, port = address.split(":")
    client = socket.create_connection((host, int(port)), timeout=30)
    client.sendall(f"POST {PATH} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5\r\n\r\n{{}}".encode())
    return client


def test_a_regular_file_where_the_control_socket_should_be_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    file.write_text("kept")
    flags = ["--engine", "embedded", "--server", "mlserver", "--control", str(file)]
    with started(tmp_path, "http://127.0.0.1:1", *flags) as running:
        assert running.process.wait(30) == 2
        assert f"--control {file}: there is something else than a socket" in running.log
    assert file.read_text() == "kept"
