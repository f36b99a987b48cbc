"""Settings of a sidecar that could start, and what a room that cannot be opened tells."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from sidecar.app.rooms import opened
from sidecar.settings import Settings, load
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.lab import DATA

if TYPE_CHECKING:
    from pathlib import Path


def settings(tmp_path: Path, data: dict[str, Any] | None = None, **flags: object) -> Settings:
    (tmp_path / "data.json").write_text(json.dumps(DATA if data is None else data))
    given = {
        "upstream": "http://127.0.0.1:1",
        "server": "mlserver",
        "engine": "embedded",
        "data": str(tmp_path / "data.json"),
        "audit_dir": str(tmp_path / "audit"),
        "consent_keys": str(Issuer().write_jwks(tmp_path / "jwks.json")),
        "consent_issuer": ISSUER,
        "consent_audience": AUDIENCE,
    }
    return load(given | flags)


async def problems_of(room: contextlib.AbstractAsyncContextManager[object]) -> list[str]:
    found: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        assert await opened(stack, room, found) is None
    return found
