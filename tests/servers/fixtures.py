"""The real model servers as pytest fixtures, one start of each a test session.

A server that is not installed skips its tests with the remedy; in CI (`CI` is set) it is an error instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.process import INSTALLED
from tests.servers.run import SERVERS

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.servers.process import ModelServer


def real(name: str) -> Any:
    """The fixture `real_<name>`."""

    @pytest.fixture(scope="session", name=f"real_{name}")
    def fixture() -> Generator[ModelServer]:
        require(name)
        with SERVERS[name](0) as server:
            yield server

    return fixture


real_mlserver = real("mlserver")
real_torchserve = real("torchserve")
real_triton = real("triton")
real_kserve = real("kserve")
real_fakellm = real("fakellm")


def require(kind: str) -> None:
    """Skips the test where the server is missing; fails it in CI."""
    if (INSTALLED / kind).exists():
        return
    missing = f"{kind} is not installed here: run scripts/install-servers"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
