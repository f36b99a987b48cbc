"""What a running sidecar says of itself: `/status` of its admin port, which answers on this machine only."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from sidecar.unix_http import UnixConnection

STATUS_LIMIT_BYTES = 64 << 20
TIMEOUT_S = 5.0


class Unreachable(Exception):
    """A sidecar that does not tell. The message says which, and why."""


@dataclass(frozen=True, slots=True)
class Running:
    """One sidecar. `modes`: of each model's rules; `audit_dir`: as this machine reaches it, where it does."""

    admin: str
    mode: str
    revision: str | None
    audit_dir: Path
    modes: dict[str, dict[str, str]]


def ask(admin: str) -> Running:
    """`admin`: HOST:PORT, or the path of a Unix socket. Raises Unreachable."""
    try:
        status = orjson.loads(_get(admin))
        return _running(admin, status)
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(f"no sidecar answers at {admin}: {error or type(error).__name__}") from None
    except (KeyError, TypeError, ValueError):
        raise Unreachable(f"what answers at {admin} is no sidecar's admin port") from None


def _running(admin: str, status: dict[str, Any]) -> Running:
    models = cast("dict[str, dict[str, Any]]", status["models"])
    return Running(
        admin=admin,
        mode=str(status["mode"]),
        revision=status["policy"].get("revision"),
        audit_dir=Path(status["audit"]["dir"]),
        modes={name: dict(model["rules"]) for name, model in models.items()},
    )


def _get(admin: str) -> bytes:
    connection = _connection(admin)
    try:
        connection.request("GET", "/status", headers={"Accept": "application/json"})
        response = connection.getresponse()
        content = response.read(STATUS_LIMIT_BYTES + 1)
    finally:
        connection.close()
    if response.status != 200 or len(content) > STATUS_LIMIT_BYTES:
        raise http.client.HTTPException(f"status {response.status}, {len(content)} bytes")
    return content


def _connection(admin: str) -> http.client.HTTPConnection:
    if "/" in admin:
        return UnixConnection(Path(admin), timeout_s=TIMEOUT_S)
    parts = urlsplit(f"//{admin}")
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"{admin!r} is not HOST:PORT")
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=TIMEOUT_S)
