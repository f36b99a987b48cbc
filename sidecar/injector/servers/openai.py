"""Servers of OpenAI's API, as vLLM starts them. Source: vllm/entrypoints/openai/cli_args.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import LOOPBACK, Binding, Server, tls_problem

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors


def _bind(command: Command, doors: Doors) -> Binding:
    return Binding(
        (f"--host={LOOPBACK}", f"--port={doors.upstream}"),
        explained=(f"the server listens on {LOOPBACK} only",),
        problems=(tls_problem("--ssl-certfile", "--ssl-keyfile"),) if command.has_flag("--ssl") else (),
    )


SERVER = Server(
    kind="openai",
    image=re.compile(r"(^|/)vllm(-openai|server)?(-|$)"),
    program=re.compile(r"vllm|vllm\.entrypoints\.openai\.api_server"),
    http_port=8000,
    other_ports=(),
    on_loopback=True,
    health={"liveness": "/health", "readiness": "/health", "startup": "/health"},
    bind=_bind,
    port_flags=("--port",),
    takes_args=re.compile(r"(^|/)vllm-openai(-|$)"),
)
