"""Admin ports as a sidecar has them, over real HTTP, with a status of the test's own."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn

from sidecar.admin.app import admin_app
from tests.process import wait_until

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from pathlib import Path


def status(audit_dir: Path, models: dict[str, dict[str, str]], mode: str = "enforce") -> dict[str, Any]:
    """What a status has of what is asked for here, as `app.status` gives it."""
    return {
        "mode": mode,
        "policy": {"revision": "abc123"},
        "models": {name: {"risk_tier": "high", "rules": rules} for name, rules in models.items()},
        "audit": {"dir": str(audit_dir)},
    }


@dataclass(frozen=True)
class _Shown:
    content: dict[str, Any]
    probes: Mapping[str, Callable[[], Awaitable[str | None]]] = field(default_factory=dict[str, Any])

    async def stuck(self) -> list[str]:
        return []

    async def unready(self) -> list[str]:
        return []

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return b"", accept

    async def status(self) -> dict[str, Any]:
        return self.content

    async def decision(self, decision_id: str) -> list[bytes]:
        del decision_id
        return []


@contextmanager
def admin_port(shown: dict[str, Any], uds: Path | None = None, *, private: bool = True) -> Generator[str]:
    """HOST:PORT, or the socket's path."""
    config = uvicorn.Config(
        admin_app(_Shown(shown), private=private),
        host="127.0.0.1",
        port=0,
        uds=str(uds) if uds else None,
        log_config=None,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_until(lambda: server.started)
        [listening] = server.servers[0].sockets
        yield str(uds) if uds else ":".join(map(str, listening.getsockname()))
    finally:
        server.should_exit = True
        thread.join()
