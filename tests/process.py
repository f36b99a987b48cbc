"""A real `sidecar run` as a child process, and what tests ask of it."""

from __future__ import annotations

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.lookup import export
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.support import policy_data

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

READY_TIMEOUT_S = 60.0
WAIT_TIMEOUT_S = 30.0
PATIENT = ("--policy-timeout-ms", "10000")
"""Flags for tests of something else: what a busy machine delays is no refusal."""
REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer as a client sees it."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The reasons of a refusal."""
        return [reason["code"] for reason in self.json["reasons"]]


def fetch(url: str, body: bytes | None = None, method: str | None = None, **headers: str) -> Answer:
    """One request; header names are keywords with `_` for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, named, method=method)
    try:
        with urllib.request.urlopen(request, timeout=WAIT_TIMEOUT_S) as response:
            return Answer(response.status, dict(response.headers.items()), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, dict(error.headers.items()), error.read())


def wait_until(is_so: Callable[[], bool], timeout_s: float = WAIT_TIMEOUT_S) -> float:
    """Seconds until `is_so`; fails the test where it never is."""
    started_s = time.monotonic()
    while not is_so():
        if time.monotonic() - started_s > timeout_s:
            pytest.fail(f"not so within {timeout_s} s")
        time.sleep(0.01)
    return time.monotonic() - started_s


@dataclass
class Sidecar:
    """A running sidecar."""

    process: subprocess.Popen[bytes]
    folder: Path
    issuer: Issuer
    ready: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def await_ready(self) -> None:
        """Reads the ready line."""
        assert self.process.stdout is not None
        readable, _, _ = select.select([self.process.stdout], [], [], READY_TIMEOUT_S)
        line = self.process.stdout.readline() if readable else b""
        if not line:
            pytest.fail("no ready line: " + self.log)
        self.ready = json.loads(line)

    @property
    def log(self) -> str:
        return (self.folder / "sidecar.log").read_text()

    @property
    def ports(self) -> list[str]:
        """Data and admin address, as the log tells them before all is ready."""
        found = re.search(r"data on (\S+), admin on (\S+)", self.log)
        return list(found.groups()) if found else []

    @property
    def url(self) -> str:
        return f"http://{self.ports[0]}"

    @property
    def admin_url(self) -> str:
        return f"http://{self.ports[1]}"

    @property
    def data_file(self) -> Path:
        return self.folder / "data.json"

    @property
    def rego(self) -> Path:
        return self.folder / "rego"

    def infer(self, path: str, body: object, **headers: str) -> Answer:
        """A call with good attributes and a fresh token, but for what `headers` says; an empty value removes."""
        good = {
            "Content_Type": "application/json",
            "X_Data_Version": "fresh",
            "X_Consent_Scope": "credit_scoring",
            "X_Protected_Group": "a",
            "X_Consent_Token": headers.pop("token", None) or self.issuer.token(),
        }
        named = {name: value for name, value in {**good, **headers}.items() if value}
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return fetch(self.url + path, content, **named)

    def status(self) -> Any:
        return fetch(self.admin_url + "/status").json

    def metrics(self) -> str:
        return fetch(self.admin_url + "/metrics").body.decode()

    def records(self) -> list[dict[str, Any]]:
        return [json.loads(record) for record in export(self.folder / "audit")]

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT_TIMEOUT_S)


def example_data(**model: object) -> dict[str, Any]:
    """Policy data for the model `credit`, with dates around now."""
    return policy_data(int(time.time()), **model)


@contextmanager
def sidecar(
    folder: Path,
    upstream: str,
    *flags: str,
    server: str = "mlserver",
    engine: str = "embedded",
    data: Any = None,
    rego: Mapping[str, str] | None = None,
) -> Generator[Sidecar]:
    """A `sidecar run` over a copy of the shipped rules, ready; stopped at the end, and its exit code checked.

    `rego` adds rules, by their path.
    """
    shutil.copytree(REPOSITORY / "rego", folder / "rego")
    for path, module in (rego or {}).items():
        (folder / "rego" / path).parent.mkdir(parents=True)
        (folder / "rego" / path).write_text(module)
    (folder / "data.json").write_text(json.dumps(data or example_data()))
    policy = ["--engine", engine, "--policy", str(folder / "rego"), "--data", str(folder / "data.json")]
    with started(folder, upstream, *policy, "--server", server, *flags) as running:
        running.await_ready()
        yield running


@contextmanager
def started(folder: Path, upstream: str, *flags: str) -> Generator[Sidecar]:
    """A `sidecar run` that listens, and may not be ready yet; stopped at the end, and its exit code checked."""
    issuer = Issuer()
    command = [
        *(sys.executable, "-m", "sidecar", "run", "--upstream", upstream),
        *("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"),
        *("--consent-keys", str(issuer.write_jwks(folder / "jwks.json"))),
        *("--consent-issuer", ISSUER, "--consent-audience", AUDIENCE, "--audit-dir", str(folder / "audit")),
        *flags,
    ]
    log = (folder / "sidecar.log").open("wb")
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=REPOSITORY, env=dict(os.environ))
    with log:
        try:
            running = Sidecar(process, folder, issuer)
            wait_until(lambda: process.poll() is not None or bool(running.ports))
            yield running
            if process.poll() is None:
                assert running.stop() == 0, running.log
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
