"""TorchServe. Sources: ConfigManager.java and ts/model_server.py of 0.12, docker/config.properties.

Its addresses stand in a file that the image or a volume brings. The file is written anew with lines behind it (of Java
properties the last one of a key counts) and TS_CONFIG_FILE names the new one, which beats `--ts-config`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.servers.server import LOOPBACK, Binding, ConfigFile, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Doors

IMAGE_CONFIG = "/home/model-server/config.properties"
IMAGE_USER = 1000
"""`model-server`, whose home that is: docker/Dockerfile, its first user."""
CONFIG_VARIABLE = "TS_CONFIG_FILE"
WRAPPED = re.compile(r"(^|/)torchserve-kfs(-|$)")


def _bind(command: Command, doors: Doors) -> Binding:
    named = command.variable(CONFIG_VARIABLE) or command.flag("--ts-config")
    addresses = {
        "inference_address": f"http://{LOOPBACK}:{doors.upstream}",
        "management_address": f"http://{LOOPBACK}:{doors.spare}",
        "grpc_inference_address": LOOPBACK,
        "grpc_management_address": LOOPBACK,
    }
    lines = tuple(f"{key}={value}" for key, value in addresses.items())
    return Binding(
        # Where the file says enable_envvars_config=true, variables beat it.
        variables=tuple((f"TS_{key.upper()}", value) for key, value in addresses.items()),
        config_file=ConfigFile(named or IMAGE_CONFIG, required=named is not None, lines=lines),
        explained=(
            f"TorchServe listens on {LOOPBACK} only, with management and gRPC, by a copy of {named or IMAGE_CONFIG}",
        ),
        problems=tuple(_problems(command)),
    )


def _problems(command: Command) -> Iterator[str]:
    if command.is_indirect(CONFIG_VARIABLE):
        yield f"{CONFIG_VARIABLE} comes from elsewhere; write the path as its value"
    if WRAPPED.search(command.image):
        yield (
            f"image {command.image} puts a server of its own on 0.0.0.0:8080 before TorchServe; run TorchServe itself, "
            "such as pytorch/torchserve with --ts-config"
        )


SERVER = Server(
    kind="torchserve",
    image=re.compile(r"(^|/)torchserve(-|$)"),
    program=re.compile(r"torchserve"),
    http_port=8080,
    other_ports=(7070, 7071, 8081),
    on_loopback=True,
    health={"liveness": "/ping", "readiness": "/ping", "startup": "/ping"},
    bind=_bind,
    manages=True,
    metrics_port=8082,
)
