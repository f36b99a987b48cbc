from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis import Redis

from sidecar.fairness.redis_store import PREFIX, RedisStore
from sidecar.fairness.shared_store import Put, StoreFailed
from tests.servers.redis import RedisServer, require_redis

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

DAY_S = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    require_redis()
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def store(server: RedisServer) -> AsyncGenerator[RedisStore]:
    with Redis.from_url(server.url) as redis:
        redis.flushall()
    made = RedisStore(server.url, DAY_S, DAY_S)
    yield made
    await made.close()


async def now_minute(store: RedisStore) -> int:
    return int((await store.beat("r")).unix_s // 60)


async def test_an_emptied_store_has_another_generation(store: RedisStore, server: RedisServer) -> None:
    first = await store.beat("one")
    with Redis.from_url(server.url) as redis:
        redis.flushall()
    assert (await store.beat("one")).generation != first.generation


async def test_numbers_rise_even_if_the_last_one_lies_ahead(store: RedisStore, server: RedisServer) -> None:
    minute = await now_minute(store)
    ahead = 9_000_000_000_000_000
    with Redis.from_url(server.url) as redis:
        redis.set(PREFIX + "changed:w", ahead)
    assert await store.put([Put("w", [(minute, "r", b"1")])]) == [ahead + 1]


async def test_nothing_to_ask_is_no_call(store: RedisStore, server: RedisServer) -> None:
    server.pause()
    try:
        assert [await store.put([]), await store.replace([]), await store.changes([])] == [[], [], []]
        assert await store.fields([]) == []
    finally:
        server.resume()


async def test_a_store_that_does_not_answer_fails_in_time_and_is_well_afterwards(server: RedisServer) -> None:
    store = RedisStore(server.url, DAY_S, DAY_S, timeout_s=0.2)
    await store.beat("r")
    server.pause()
    try:
        with pytest.raises(StoreFailed, match="TimeoutError"):
            await store.beat("r")
    finally:
        server.resume()
    assert (await store.beat("r")).unix_s > 0
    await store.close()


async def test_a_store_that_is_not_there_fails() -> None:
    store = RedisStore("redis://127.0.0.1:1/0", DAY_S, DAY_S)
    with pytest.raises(StoreFailed, match="ConnectionError"):
        await store.beat("r")
    await store.close()


async def test_a_password_is_asked_for(tmp_path: Path) -> None:
    require_redis()
    server = RedisServer(tmp_path, password="s3cret")
    server.start()
    try:
        good, bad = (RedisStore(url, DAY_S, DAY_S) for url in (server.url, server.url.replace("s3cret", "wrong")))
        assert (await good.beat("r")).replicas == 1
        with pytest.raises(StoreFailed) as caught:
            await bad.beat("r")
        assert "wrong" not in str(caught.value).replace("WRONGPASS", "")
        await good.close()
        await bad.close()
    finally:
        server.kill()


async def test_tls_takes_only_a_server_that_proves_who_it_is(tmp_path: Path) -> None:
    require_redis()
    server = RedisServer(tmp_path, tls=True)
    server.start()
    try:
        trusting = RedisStore(f"{server.url}?ssl_ca_certs={server.ca}", DAY_S, DAY_S)
        assert (await trusting.beat("r")).replicas == 1
        await trusting.close()
        misnamed = f"{server.url}?ssl_ca_certs={server.ca}".replace("127.0.0.1", "localhost")
        for url in (server.url, misnamed):
            store = RedisStore(url, DAY_S, DAY_S)
            with pytest.raises(StoreFailed, match="certificate verify failed"):
                await store.beat("r")
            await store.close()
    finally:
        server.kill()
