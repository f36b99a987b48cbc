"""Seldon's MLServer. Source: mlserver/settings.py and cli/serve.py of 1.7."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import LOOPBACK, Binding, Server

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors


def _bind(command: Command, doors: Doors) -> Binding:
    del command
    return Binding(
        variables=(("MLSERVER_HOST", LOOPBACK), ("MLSERVER_HTTP_PORT", str(doors.upstream))),
        explained=(
            f"MLServer listens on {LOOPBACK} only, with gRPC and metrics: it has one address for all three; a "
            "settings.json in the model's folder that says otherwise is found by the self-check",
        ),
    )


_READY = "/v2/health/ready"
SERVER = Server(
    kind="mlserver",
    image=re.compile(r"(^|/)mlserver(-|$)"),
    program=re.compile(r"mlserver"),
    http_port=8080,
    other_ports=(8081, 8082),
    on_loopback=True,
    health={"liveness": "/v2/health/live", "readiness": _READY, "startup": _READY},
    bind=_bind,
    port_variable="MLSERVER_HTTP_PORT",
)
