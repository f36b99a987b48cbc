"""The injector as a process: ready, asked over TLS, a changed configuration, signals, a start that is refused."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.injector.serving import running as running_module
from sidecar.injector.serving.certificates import FileCertificates
from sidecar.injector.serving.settings import InjectorSettings
from sidecar.injector.serving.starting import prepare
from sidecar.model.clock import SystemClock
from sidecar.settings import load_as
from tests.certificates import self_signed
from tests.process import REPOSITORY, fetch, wait_until
from tests.unit.injector.serving.parts import CONFIG, encoded, review, write_pair

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

START_TIMEOUT_S = 60.0
PORTS = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0"}


class Running:
    """One that serves from `folder`, which has its configuration and its certificate."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "injector.yaml"
        self.config.write_text(CONFIG)
        cert, key = self_signed(folder)
        cert.rename(folder / "tls.crt")
        key.rename(folder / "tls.key")
        self.log = folder / "log"
        ports = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]
        flags = ["--config", str(self.config), "--certificate-dir", str(folder), *ports]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sidecar", "injector", "serve", *flags],
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=REPOSITORY,
                env=dict(os.environ),
            )

    def await_ready(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], START_TIMEOUT_S)
        line = self.process.stdout.readline() if readable else b""
        assert line, self.log.read_text()
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(START_TIMEOUT_S)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def running(tmp_path: Path) -> Generator[Running]:
    started = Running(tmp_path)
    yield started
    started.close()


def mutated(address: str, folder: Path) -> Any:
    trusted = ssl.create_default_context(cafile=folder / "tls.crt")
    request = urllib.request.Request(f"https://{address}/mutate", encoded(review()))
    with urllib.request.urlopen(request, context=trusted) as answer:
        return json.load(answer)["response"]


def test_it_is_ready_answers_follows_its_file_and_stops(running: Running) -> None:
    ready = running.await_ready()
    address, admin = ready.pop("listen"), ready.pop("admin")
    assert ready == {"ready": True, "certificates": "files", "problems": []}
    assert mutated(address, running.folder)["allowed"]

    running.config.write_text("engine: none of ours\n")
    wait_until(lambda: fetch(f"http://{admin}/health/ready").json["problems"] != [])
    health = fetch(f"http://{admin}/health/ready")
    assert (health.status, health.json["status"]) == (200, "ready")
    assert all("; what it was before goes on" in problem for problem in health.json["problems"])
    assert mutated(address, running.folder)["allowed"]

    running.config.write_text(CONFIG + "drain_s: 20\n")
    wait_until(lambda: fetch(f"http://{admin}/health/ready").json["problems"] == [])
    assert running.stop() == 0
    assert "the new content holds" in running.log.read_text()


def test_a_client_that_hangs_does_not_hold_it_up(running: Running) -> None:
    host, port = running.await_ready()["listen"].split(":")
    trusted = ssl.create_default_context(cafile=running.folder / "tls.crt")
    with (
        socket.create_connection((host, int(port))) as plain,
        trusted.wrap_socket(plain, server_hostname=host) as client,
    ):
        client.sendall(b"POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        assert running.stop() == 0


async def test_a_defect_in_the_upkeep_of_certificates_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Else certificates would end one day, in silence."""

    class Broken(FileCertificates):
        async def run(self) -> None:
            raise ZeroDivisionError

    monkeypatch.setattr(running_module, "end_in", lambda _seconds: None)
    (tmp_path / "injector.yaml").write_text(CONFIG)
    write_pair(tmp_path)
    flags = {"config": tmp_path / "injector.yaml", "certificate_dir": tmp_path, **PORTS}
    settings, clock = load_as(InjectorSettings, flags), SystemClock()
    with ExitStack() as stack:
        prepared = replace(prepare(settings, stack, clock), certificates=Broken(tmp_path, clock))
        with pytest.raises(ZeroDivisionError):
            await running_module._Running(settings, prepared, clock).until_stopped()
    assert json.loads(capfd.readouterr().out)["ready"]


def test_it_does_not_start_and_says_why_all_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sidecar", "injector", "serve", "--config", "none.yaml", "--certificate-dir", "."]
    done = subprocess.run(
        [*command, "--listen", "192.0.2.1:1"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line.split(": ")[1] for line in done.stderr.splitlines() if line.startswith("sidecar: ")]
    assert (done.returncode, done.stdout, told) == (2, "", ["--config", "--listen 192.0.2.1:1", "--certificate-dir"])
