"""TensorFlow Serving. Sources: model_servers/main.cc, server.cc, util/net_http/server/internal/evhttp_server.cc.

Its REST endpoint listens on every address, always; `--port=0` turns gRPC off.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import Binding, Server, moved

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors


def _bind(command: Command, doors: Doors) -> Binding:
    del command
    return Binding(
        (f"--rest_api_port={doors.upstream}", "--port=0"),
        explained=(moved("TensorFlow Serving", doors),),
    )


SERVER = Server(
    kind="tfserving",
    image=re.compile(r"(^|/)(tensorflow/serving|tensorflow-serving)(-|$)"),
    program=re.compile(r"tensorflow_model_server|tf_serving_entrypoint\.sh"),
    http_port=8501,
    other_ports=(8500,),
    on_loopback=False,
    health=None,  # only a model's own status, by its name
    bind=_bind,
    port_flags=("--rest_api_port",),
    takes_args=re.compile(r"(^|/)tensorflow/serving$"),
)
