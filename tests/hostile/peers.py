"""nginx and HAProxy in the sidecar's place: what another reader makes of the same bytes.

A peer that is not there skips its tests with the remedy; in CI (`CI` is set) it fails them.
"""

from __future__ import annotations

import os
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.hostile.client import Client, Ended
from tests.hostile.upstream import RecordingUpstream, recording_upstream
from tests.process import wait_until
from tests.servers.process import free_ports

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.hostile.upstream import Arrival

INSTALLED = Path(__file__).resolve().parents[2] / ".servers" / "peers"
PATIENCE_S = 1.5
"""The peers give up on a request after a second."""

NGINX = """
daemon off; master_process off; worker_processes 1; pid nginx.pid; error_log error.log crit;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path body; proxy_temp_path proxy;
  fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
  client_header_timeout 1s; client_body_timeout 1s; client_max_body_size 0; lingering_close off;
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; }}
  }}
}}
"""
HAPROXY = """
global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
  timeout http-request 1s
frontend in
  bind 127.0.0.1:{port}
  default_backend out
backend out
  server model 127.0.0.1:{upstream}
"""
COMMANDS = {
    "nginx": (NGINX, ["-p", ".", "-c", "peer.conf", "-e", "error.log"]),
    "haproxy": (HAPROXY, ["-db", "-q", "-f", "peer.conf"]),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader made of a client's bytes: the requests it passed on, and whether it refused any."""

    requests: tuple[tuple[bytes, ...], ...]
    refused: bool


@dataclass(frozen=True, slots=True)
class Peer:
    """A running peer in front of a recording model server."""

    name: str
    address: tuple[str, int]
    upstream: RecordingUpstream

    def read(self, sent: bytes) -> Reading:
        """`sent` ends with a request that closes the connection, so that a peer that reads it all ends there."""
        before = len(self.upstream.arrivals)
        statuses = statuses_of(self.address, sent, PATIENCE_S)
        arrived = self.upstream.arrivals[before:]
        return Reading(tuple(essence(arrival) for arrival in arrived if arrival.whole), any(s >= 400 for s in statuses))


def statuses_of(address: tuple[str, int], sent: bytes, patience_s: float) -> list[int]:
    """The statuses of all answers until the other side closes, or says nothing for so long (then 408)."""
    statuses: list[int] = []
    with Client(address, patience_s) as client:
        client.send(sent)
        try:
            while True:
                statuses.append(client.answer().status)
        except Ended:
            return statuses
        except (TimeoutError, AssertionError, ValueError):
            return [*statuses, 408]


def essence(arrival: Arrival) -> tuple[bytes, ...]:
    """What a request means: method, target, body, and each governed value."""
    governed = (b"x-data-version", b"x-consent-scope", b"content-type", b"content-encoding")
    values = [b"|".join(arrival.values(name)) for name in governed]
    return (*arrival.line.split(b" ")[:2], arrival.body, *values)


def installed(name: str) -> str:
    """The program's path; skips the test where it is missing, fails it in CI."""
    if (INSTALLED / name).exists():
        return str(INSTALLED / name)
    missing = f"{name} is not here: run scripts/install-peers"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


@contextmanager
def peer(name: str, folder: Path) -> Generator[Peer]:
    """Runs a peer until the block ends."""
    program = installed(name)
    text, arguments = COMMANDS[name]
    [port] = free_ports(1)
    with recording_upstream() as upstream:
        (folder / "peer.conf").write_text(text.format(port=port, upstream=upstream.port))
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen([program, *arguments], cwd=folder, stdout=output, stderr=output)
        try:
            wait_until(lambda: process.poll() is not None or _listens(port))
            assert process.poll() is None, (folder / "output").read_text()
            yield Peer(name, ("127.0.0.1", port), upstream)
        finally:
            process.terminate()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
