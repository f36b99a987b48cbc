"""NVIDIA Triton. Sources: `tritonserver --help` of 2.51, src/command_line_parser.cc."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import GRPC_OFF, LOOPBACK, Binding, Server

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors


def _bind(command: Command, doors: Doors) -> Binding:
    args = [f"--http-address={LOOPBACK}", f"--http-port={doors.upstream}", "--allow-grpc=false"]
    explained = [f"Triton listens on {LOOPBACK} only; {GRPC_OFF}"]
    # SageMaker's and Vertex AI's front ends listen on every address, whatever --http-address says. A build may lack
    # them and their flags, so that they are named only where something turns them on; flags may be abbreviated.
    if command.has_flag("--allow-s"):
        args.append("--allow-sagemaker=false")
    if command.has_flag("--allow-v") or command.variable("AIP_MODE") is not None:
        args.append("--allow-vertex-ai=false")
    if not command.has_flag("--metrics-a"):
        args.append("--metrics-address=0.0.0.0")  # where it would follow --http-address
        explained.append("Triton's metrics stay reachable on their own port")
    return Binding(tuple(args), explained=tuple(explained))


SERVER = Server(
    kind="triton",
    image=re.compile(r"(^|/)triton(server|inferenceserver|-inference-server)?(-|$)"),
    program=re.compile(r"tritonserver|trtserver"),
    http_port=8000,
    other_ports=(8001, 8080),
    on_loopback=True,
    health={"liveness": "/v2/health/live", "readiness": "/v2/health/ready", "startup": "/v2/health/ready"},
    bind=_bind,
    port_flags=("--http-port",),
    metrics_flag="--metrics-port",
    metrics_port=8002,
)
