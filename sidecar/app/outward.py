"""What a sidecar tells whoever runs it, be it one process or several: its log, its ready line, its admin port."""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

import orjson
import uvicorn

from sidecar.admin.app import admin_app
from sidecar.serving import Server, name_of

if TYPE_CHECKING:
    import socket

    from sidecar.admin.app import Views
    from sidecar.app.ports import Ports

logger = logging.getLogger("sidecar")

DRAIN_S = 10
"""SIGTERM: what is in flight gets this long to finish (contract 8)."""


def log_to_stderr(who: str = "") -> None:
    """`who`: told in each line, where several processes write to one stream."""
    line = f"%(asctime)s %(levelname)s {who}%(name)s: %(message)s"
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format=line)


def tell_ports(ports: Ports) -> None:
    """In the log: where port 0 was asked for, nothing else says which it is before all is ready."""
    logger.info("data on %s, admin on %s", name_of(ports.data), name_of(ports.admin))


def tell_ready(ports: Ports, engine: str, revision: str, *, workers: int) -> None:
    """The one line on standard output (contract 8)."""
    line = {
        "ready": True,
        "listen": name_of(ports.data),
        "admin": name_of(ports.admin),
        "engine": engine,
        "policy_revision": revision,
        "workers": workers,
    }
    sys.stdout.buffer.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def admin_servers(views: Views, ports: Ports, *, is_private: bool) -> list[tuple[Server, socket.socket]]:
    """The admin port's, and that of `--control`, which is private always."""
    found = [(ports.admin, is_private), (ports.control, True)]
    return [(Server(_admin_config(views, private)), bound) for bound, private in found if bound is not None]


def _admin_config(views: Views, private: bool) -> uvicorn.Config:
    return uvicorn.Config(
        admin_app(views, private=private),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
