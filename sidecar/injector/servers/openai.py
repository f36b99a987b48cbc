"""Servers of OpenAI's API, as vLLM starts them. Source: vllm/entrypoints/openai/cli_args.py."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import LOOPBACK, Binding, Server

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors


def _bind(command: Command, doors: Doors) -> Binding:
    problems: list[str] = []
    if command.has_flag("--ssl"):
        problems.append(
            "the model speaks TLS, which the sidecar beside it does not take; remove --ssl-certfile and --ssl-keyfile, "
            "and let the operator set the sidecar's tls_cert and tls_key"
        )
    return Binding(
        (f"--host={LOOPBACK}", f"--port={doors.upstream}"),
        explained=(f"the server listens on {LOOPBACK} only",),
        problems=tuple(problems),
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
