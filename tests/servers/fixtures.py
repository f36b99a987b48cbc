"""The real model servers as pytest fixtures, one start of each a test session.

A server that is not installed skips its tests with the remedy; in CI (`CI` is set) it is an error instead.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.servers.process import INSTALLED
from tests.servers.run import fakellm, kserve, mlserver, torchserve, triton

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.servers.process import ModelServer


@pytest.fixture(scope="session")
def real_mlserver() -> Generator[ModelServer]:
    require("mlserver")
    with mlserver() as server:
        yield server


@pytest.fixture(scope="session")
def real_torchserve() -> Generator[ModelServer]:
    require("torchserve")
    with torchserve() as server:
        yield server


@pytest.fixture(scope="session")
def real_triton() -> Generator[ModelServer]:
    require("triton")
    with triton() as server:
        yield server


@pytest.fixture(scope="session")
def real_kserve() -> Generator[ModelServer]:
    require("kserve")
    with kserve() as server:
        yield server


@pytest.fixture(scope="session")
def real_fakellm() -> Generator[ModelServer]:
    require("fakellm")
    with fakellm() as server:
        yield server


def require(kind: str) -> None:
    """Skips the test where the server is missing; fails it in CI."""
    if (INSTALLED / kind).exists():
        return
    missing = f"{kind} is not installed here: run scripts/install-servers"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
