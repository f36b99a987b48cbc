"""The registry as a process: ready, signals, and a start that is refused."""

from __future__ import annotations

import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import urllib.request
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.certificates import self_signed
from tests.keys import private_pem
from tests.process import REPOSITORY, wait_until
from tests.registries import pseudonym
from tests.registry_api import DATASET
from tests.servers.registry import RegistryServer

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.process import Answer

DATA = "/v1/bundles/data.tar.gz"


@pytest.fixture
def running(tmp_path: Path) -> Generator[RegistryServer]:
    with RegistryServer(tmp_path) as server:
        yield server


def headers(answer: Answer) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items()}


def test_its_ready_line_says_what_it_serves(running: RegistryServer) -> None:
    ready: dict[str, Any] = dict(running.ready)
    bundles = ready.pop("bundles")
    assert set(bundles) == {"data", "revocations", "revocations-earlier"}
    assert ready == {
        "ready": True,
        "listen": running.url.removeprefix("http://"),
        "database": running.database,
        "takes_policies": False,
        "problems": [],
    }
    assert running.stop() == 0


def test_who_waits_is_answered_before_it_stops(running: RegistryServer) -> None:
    etag = headers(running.ask("GET", DATA))["etag"]
    answers: list[Answer] = []

    def wait() -> None:
        answers.append(running.ask("GET", DATA, None, "engine", If_None_Match=etag, Prefer="wait=300"))

    waiting = [threading.Thread(target=wait) for _ in range(5)]
    for thread in waiting:
        thread.start()
    wait_until(lambda: b"sidecar_registry_waiters 5.0" in running.ask("GET", "/metrics").body)
    assert running.stop() == 0
    for thread in waiting:
        thread.join()
    assert [answer.status for answer in answers] == [304] * 5


def test_a_client_that_hangs_does_not_hold_it_up(running: RegistryServer) -> None:
    host, port = running.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        token = running.tokens["admin"]
        head = f"PUT /v1/datasets/x HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        client.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{{".encode())
        assert running.ask("GET", "/health/live").status == 200
        assert running.stop() == 0


def test_a_database_that_hangs_does_not_hold_it_up(running: RegistryServer) -> None:
    with closing(sqlite3.connect(running.database.removeprefix("sqlite:///"))) as other:
        other.execute("BEGIN IMMEDIATE")
        asking = threading.Thread(target=_ask_in_vain, args=(running,))
        asking.start()
        in_progress = b"sidecar_registry_requests_in_progress 2.0"  # that one, and this question
        wait_until(lambda: in_progress in running.ask("GET", "/metrics").body)
        assert running.stop() == 1
        asking.join()


def _ask_in_vain(registry: RegistryServer) -> None:
    with suppress(OSError):  # it is cut off
        registry.ask("PUT", "/v1/datasets/x", DATASET)


def test_after_a_restart_it_serves_the_same_bytes_under_the_same_tags(running: RegistryServer) -> None:
    assert running.ask("PUT", "/v1/datasets/loans", DATASET).status == 201
    assert running.ask("POST", "/v1/revocations", {"tokens": [pseudonym(1)]}).status == 200
    names = ("data", "revocations", "revocations-earlier")
    running.stop()
    running.start()
    first = {name: running.ask("GET", f"/v1/bundles/{name}.tar.gz") for name in names}
    running.kill()
    running.start()
    second = {name: running.ask("GET", f"/v1/bundles/{name}.tar.gz") for name in names}
    assert {name: (each.body, headers(each)["etag"]) for name, each in second.items()} == {
        name: (each.body, headers(each)["etag"]) for name, each in first.items()
    }


def test_no_token_is_in_its_log(running: RegistryServer) -> None:
    for role in running.tokens:
        running.ask("GET", "/v1/datasets", None, role)
    running.ask("PUT", "/v1/datasets/loans", b"{", "admin")
    running.stop()
    assert not [role for role, token in running.tokens.items() if token in running.log_file.read_text()]


def test_it_does_not_start_and_says_why_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("- nothing")
    (tmp_path / "empty.db").touch()
    (tmp_path / "key.pem").write_bytes(private_pem())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        flags = ["--tokens", "t.yaml", "--database", "sqlite:///empty.db", "--signing-key", "key.pem"]
        command = [sys.executable, "-m", "sidecar", "registry", "serve", *flags]
        done = subprocess.run(
            [*command, "--listen", address, "--policy-key", "none.pem"],
            cwd=tmp_path,
            env={"PYTHONPATH": str(REPOSITORY)},
            capture_output=True,
            text=True,
            check=False,
        )
    problems = [line for line in done.stderr.splitlines() if line.startswith("sidecar: ")]
    assert (done.returncode, done.stdout) == (2, "")
    assert [problem.split(":")[1].strip() for problem in problems] == [
        *("--tokens", "--tokens", "--tokens", "--policy-key", f"--listen {address}".split(":")[0], "--database"),
    ]
    assert problems[-1] == "sidecar: --database: the database is empty: run `sidecar registry migrate`"


def test_it_speaks_tls_with_the_certificate_that_is_there_now(tmp_path: Path) -> None:
    cert, key = self_signed(tmp_path)
    trusted = ssl.create_default_context(cafile=cert)
    with RegistryServer(tmp_path, "--tls-cert", str(cert), "--tls-key", str(key)) as server:
        url = server.url.replace("http:", "https:") + "/health/live"
        with urllib.request.urlopen(url, context=trusted) as answer:
            assert answer.read() == b'{"status":"live"}'
        self_signed(tmp_path)
        renewed, port = cert.read_text(), int(url.split(":")[2].split("/")[0])
        wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", port)) == renewed)
