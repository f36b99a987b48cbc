"""KServe's own Python server and what is built on it. Source: kserve/model_server.py of 0.21, its argparse.

It listens on every address, always (kserve/protocol/rest/server.py). So it is moved to another port, which only a
NetworkPolicy can close; the sidecar takes the port that clients know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import Binding, Server

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors

RUNTIMES = r"(kserve-)?(sklearn|xgb|lgb|pmml|paddle|huggingface|autogluon|predictive)server"


def _bind(command: Command, doors: Doors) -> Binding:
    problems: list[str] = []
    if command.has_flag("--ssl_") or command.variable("KSERVE_TLS_CERT_FILE"):
        problems.append(
            "the model speaks TLS, which the sidecar beside it does not take; remove --ssl_certfile and --ssl_keyfile, "
            "and let the operator set the sidecar's tls_cert and tls_key"
        )
    return Binding(
        (f"--http_port={doors.upstream}", "--enable_grpc=false"),
        explained=(
            f"KServe's server listens on every address: it is moved to port {doors.upstream}, which a NetworkPolicy "
            "has to close; its gRPC endpoint is off until gRPC is judged",
        ),
        problems=tuple(problems),
    )


_READY = "/v2/health/ready"
SERVER = Server(
    kind="kserve",
    image=re.compile(rf"(^|/){RUNTIMES}(-|$)"),
    program=re.compile(RUNTIMES),
    http_port=8080,
    other_ports=(8081,),
    on_loopback=False,
    health={"liveness": "/v2/health/live", "readiness": _READY, "startup": _READY},
    bind=_bind,
    port_flags=("--http_port",),
    takes_args=re.compile(rf"(^|/){RUNTIMES}(-|$)"),
)
