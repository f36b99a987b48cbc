"""What a sidecar's admin port says, over real sockets."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from sidecar.cli.policy import running
from sidecar.cli.policy.running import Running, Unreachable, ask
from tests.servers.process import free_ports
from tests.unit.cli.policy.admin_ports import admin_port, status
from tests.upstream import answering

MODES = {"credit": {"staleness": "enforce", "fairness_band": "shadow"}}
STATUS = status(Path("/audit"), MODES, "shadow")


def test_a_port_and_a_socket_say_the_same(tmp_path: Path) -> None:
    with admin_port(STATUS) as port, admin_port(STATUS, tmp_path / "admin.sock") as path:
        assert [ask(port), ask(path)] == [
            Running(place, "shadow", "abc123", Path("/audit"), MODES) for place in (port, path)
        ]


def test_a_port_that_others_reach_does_not_tell() -> None:
    with admin_port(STATUS, private=False) as port, pytest.raises(Unreachable, match="status 404"):
        ask(port)


def test_nobody_is_told_apart_from_somebody_else(tmp_path: Path) -> None:
    [port] = free_ports(1)
    for nobody in (f"127.0.0.1:{port}", str(tmp_path / "none.sock")):
        with pytest.raises(Unreachable, match=f"no sidecar answers at {nobody}: "):
            ask(nobody)
    for body in (b"", b"[]", b"{}", json.dumps(STATUS | {"models": {"credit": {}}}).encode()):
        with answering(lambda _, body=body: (200, body)) as url:
            other = url.removeprefix("http://")
            with pytest.raises(Unreachable, match=f"what answers at {other} is no sidecar's admin port"):
                ask(other)


@pytest.mark.parametrize("place", ["8091", "localhost", "host:many"])
def test_a_place_is_host_and_port(place: str) -> None:
    with pytest.raises(Unreachable, match=f"what answers at {place} is no sidecar's admin port"):
        ask(place)


def test_who_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "TIMEOUT_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        place = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unreachable, match=f"no sidecar answers at {place}: timed out"):
            ask(place)


def test_an_endless_answer_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "STATUS_LIMIT_BYTES", 64)
    with admin_port(STATUS) as port, pytest.raises(Unreachable, match="status 200, 65 bytes"):
        ask(port)
