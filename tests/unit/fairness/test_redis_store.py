from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis import Redis

from sidecar.fairness.redis_store import PREFIX, Change, Put, RedisStore, StoreFailed, minute_hash
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


async def test_it_counts_who_lives_and_keeps_its_generation(store: RedisStore) -> None:
    first = await store.beat("one")
    second = await store.beat("two")
    again = await store.beat("two")
    assert [each.replicas for each in (first, second, again)] == [1, 2, 2]
    assert len({each.generation for each in (first, second, again)}) == 1
    assert first.unix_s <= second.unix_s <= again.unix_s


async def test_an_emptied_store_has_another_generation(store: RedisStore, server: RedisServer) -> None:
    first = await store.beat("one")
    with Redis.from_url(server.url) as redis:
        redis.flushall()
    assert (await store.beat("one")).generation != first.generation


async def test_cells_are_kept_by_minute_and_replica_and_changes_are_numbered(store: RedisStore) -> None:
    minute = await now_minute(store)
    [first] = await store.put([Put("w", [(minute, "r", b"1"), (minute - 1, "r", b"2")])])
    [second] = await store.put([Put("w", [(minute, "s", b"3"), (minute, "r", b"4")])])
    assert first < second
    assert await store.changes([("w", 0), ("w", first), ("w", second), ("other", 0)]) == [
        [(minute - 1, first), (minute, second)],
        [(minute, second)],
        [],
        [],
    ]
    names = [minute_hash("w", minute), minute_hash("w", minute - 1), minute_hash("w", minute - 2)]
    assert await store.fields(names) == [{"r": b"4", "s": b"3"}, {"r": b"2"}, {}]


async def test_what_is_known_of_others_does_not_replace_what_they_said(store: RedisStore) -> None:
    minute = await now_minute(store)
    await store.put([Put("w", [(minute, "r", b"own")])])
    await store.put([Put("w", [(minute, "r", b"heard"), (minute, "s", b"heard")], only_new=True)])
    assert await store.fields([minute_hash("w", minute)]) == [{"r": b"own", "s": b"heard"}]


async def test_minutes_beyond_the_span_leave_the_list_of_changes(store: RedisStore) -> None:
    minute = await now_minute(store)
    await store.put([Put("w", [(minute - 3_000, "r", b"1"), (minute - 2_000, "r", b"1"), (minute, "r", b"1")])])
    [[(kept, _)]] = await store.changes([("w", 0)])
    assert kept == minute


async def test_numbers_rise_even_if_the_last_one_lies_ahead(store: RedisStore, server: RedisServer) -> None:
    minute = await now_minute(store)
    ahead = 9_000_000_000_000_000
    with Redis.from_url(server.url) as redis:
        redis.set(PREFIX + "changed:w", ahead)
    assert await store.put([Put("w", [(minute, "r", b"1")])]) == [ahead + 1]


async def test_only_one_of_two_replaces_a_value_and_the_other_learns_it(store: RedisStore) -> None:
    assert await store.replace([Change("h", "f", None, b"1")]) == [None]
    assert await store.replace([Change("h", "f", None, b"2"), Change("h", "f", b"1", b"3")]) == [b"1", None]
    assert await store.replace([Change("h", "f", b"1", b"4")]) == [b"3"]
    assert await store.fields(["h"]) == [{"f": b"3"}]


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
