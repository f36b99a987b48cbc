"""A real Redis of its own for a test, in memory only: `scripts/install-redis` makes it available.

A Redis that is not there skips its tests with the remedy; in CI (`CI` is set) it fails them.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from tests.certificates import self_signed
from tests.servers.process import ServerError, free_ports

BINARY = Path(__file__).resolve().parents[2] / ".servers" / "redis-server"
START_TIMEOUT_S = 20.0


class RedisServer:
    """On one port, started, held up and killed as often as a test likes; each start is empty."""

    def __init__(self, folder: Path, *, password: str = "", tls: bool = False) -> None:
        self._folder = folder
        [self._port] = free_ports(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._options = ["--requirepass", password] if password else []
        if tls:
            self.ca, key = self_signed(folder)
            self._options += ["--tls-port", str(self._port), "--port", "0", "--tls-auth-clients", "no"]
            self._options += ["--tls-cert-file", str(self.ca), "--tls-key-file", str(key)]
        else:
            self._options += ["--port", str(self._port)]
        user = f":{password}@" if password else ""
        self.url = f"{'rediss' if tls else 'redis'}://{user}127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Returns when it listens. Raises ServerError."""
        log = self._folder / "redis.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [BINARY, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", *self._options],
                cwd=self._folder,
                stdout=output,
                stderr=output,
            )
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while not self._listens():
            if self._process.poll() is not None or time.monotonic() > deadline_s:
                raise ServerError(f"Redis did not start:\n{log.read_text()[-3000:]}")
            time.sleep(0.01)

    def pause(self) -> None:
        """It takes connections and answers nothing, until `resume`: what was sent to it is done then."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """See `pause`."""
        self._signal(signal.SIGCONT)

    def save(self) -> None:
        """Writes a snapshot, from which the next start begins."""
        with socket.create_connection(("127.0.0.1", self._port)) as client:
            client.sendall(b"SAVE\r\n")
            if client.recv(64) != b"+OK\r\n":
                raise ServerError("Redis did not save")

    def kill(self) -> None:
        """SIGKILL, if it runs. What it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None:
            raise ServerError("Redis does not run")
        self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0


def require_redis() -> None:
    """Skips the test where there is no Redis; fails it in CI."""
    if BINARY.exists():
        return
    missing = "there is no redis-server here: run scripts/install-redis"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
