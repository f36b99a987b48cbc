"""KServe's own Python server and what is built on it. Source: kserve/model_server.py of 0.21, its argparse.

It listens on every address, always (kserve/protocol/rest/server.py). So it is moved to another port, which only a
NetworkPolicy can close; the sidecar takes the port that clients know.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import Binding, Server, moved, tls_problem

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors

RUNTIMES = r"(kserve-)?(sklearn|xgb|lgb|pmml|paddle|huggingface|autogluon|predictive)server"


def _bind(command: Command, doors: Doors) -> Binding:
    has_tls = command.has_flag("--ssl_") or command.variable("KSERVE_TLS_CERT_FILE")
    return Binding(
        (f"--http_port={doors.upstream}", "--enable_grpc=false"),
        explained=(moved("KServe's server", doors),),
        problems=(tls_problem("--ssl_certfile", "--ssl_keyfile"),) if has_tls else (),
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
