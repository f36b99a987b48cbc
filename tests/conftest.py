"""Nothing of the environment may change a test: no SIDECAR_ variable, one event loop."""

from __future__ import annotations

import os

import pytest

for _name in [name for name in os.environ if name.startswith("SIDECAR_") and name != "SIDECAR_CACHE"]:
    del os.environ[_name]


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
