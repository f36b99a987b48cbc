"""One Redis for each test of replicas: they stop and kill it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.redis import RedisServer, require_redis
from tests.unit.fairness.replicas import Replicas, replicas_on

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path


@pytest.fixture
def redis_server(tmp_path: Path) -> Generator[RedisServer]:
    require_redis()
    server = RedisServer(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.fixture
async def three(redis_server: RedisServer) -> AsyncGenerator[Replicas]:
    async with replicas_on(redis_server, 3) as replicas:
        yield replicas
