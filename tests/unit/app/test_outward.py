from __future__ import annotations

import json
import logging
import socket
from typing import TYPE_CHECKING

import pytest

from sidecar.app.outward import admin_servers, tell_ports, tell_ready
from sidecar.app.ports import Ports
from sidecar.app.views import OwnViews

if TYPE_CHECKING:
    from collections.abc import Generator


@pytest.fixture
def ports() -> Generator[Ports]:
    with (
        socket.create_server(("127.0.0.1", 0)) as data,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as admin,
        socket.socket(socket.AF_UNIX) as control,
    ):
        yield Ports(data, admin, control, None)


def port_of(bound: socket.socket) -> int:
    return bound.getsockname()[1]


def test_the_ready_line_is_one_line_of_json(ports: Ports, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    tell_ready(ports, "opa", "r1", workers=2)
    line = capfdbinary.readouterr().out
    assert (line.count(b"\n"), json.loads(line)) == (
        1,
        {
            "ready": True,
            "listen": f"127.0.0.1:{port_of(ports.data)}",
            "admin": f"[::1]:{port_of(ports.admin)}",
            "engine": "opa",
            "policy_revision": "r1",
            "workers": 2,
        },
    )


def test_ports_are_in_the_log_before_all_is_ready(ports: Ports, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        tell_ports(ports)
    assert caplog.messages == [f"data on 127.0.0.1:{port_of(ports.data)}, admin on [::1]:{port_of(ports.admin)}"]


@pytest.mark.parametrize("is_private", [True, False])
def test_the_control_socket_shows_all_wherever_the_admin_port_is(ports: Ports, is_private: bool) -> None:
    views = object.__new__(OwnViews)
    servers = admin_servers(views, ports, is_private=is_private)
    paths = [{route.path for route in server.config.app.routes} for server, _ in servers]  # type: ignore[union-attr]
    assert [bound for _, bound in servers] == [ports.admin, ports.control]
    assert ["/status" in shown for shown in paths] == [is_private, True]
