"""What every store that replicas share promises: the same tests on that of one pod's workers, and on Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from redis import Redis

from sidecar.app.ports import unix_listener
from sidecar.fairness.memory_store import MemoryStore
from sidecar.fairness.redis_store import RedisStore
from sidecar.fairness.shared_store import Change, Put, minute_hash
from sidecar.fairness.socket_store import SocketStore, served
from sidecar.model.clock import SystemClock
from tests.servers.redis import RedisServer, require_redis

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from sidecar.fairness.shared_store import SharedStore

DAY_S = 86_400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    require_redis()
    made = RedisServer(tmp_path_factory.mktemp("redis"))
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def of_workers(tmp_path: Path) -> AsyncGenerator[SharedStore]:
    path = tmp_path / "windows.sock"
    async with served(MemoryStore(SystemClock(), DAY_S, DAY_S), unix_listener(path)):
        made = SocketStore(path)
        yield made
        await made.close()


@pytest.fixture
async def of_redis(server: RedisServer) -> AsyncGenerator[SharedStore]:
    with Redis.from_url(server.url) as redis:
        redis.flushall()
    made = RedisStore(server.url, DAY_S, DAY_S)
    yield made
    await made.close()


@pytest.fixture(params=["of_workers", "of_redis"])
def store(request: pytest.FixtureRequest) -> SharedStore:
    return request.getfixturevalue(request.param)


async def now_minute(store: SharedStore) -> int:
    return int((await store.beat("r")).unix_s // 60)


async def test_it_counts_who_lives_and_keeps_its_generation(store: SharedStore) -> None:
    first = await store.beat("one")
    second = await store.beat("two")
    again = await store.beat("two")
    assert [each.replicas for each in (first, second, again)] == [1, 2, 2]
    assert len({each.generation for each in (first, second, again)}) == 1
    assert first.unix_s <= second.unix_s <= again.unix_s


async def test_cells_are_kept_by_minute_and_replica_and_changes_are_numbered(store: SharedStore) -> None:
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


async def test_what_is_known_of_others_does_not_replace_what_they_said(store: SharedStore) -> None:
    minute = await now_minute(store)
    await store.put([Put("w", [(minute, "r", b"own")])])
    await store.put([Put("w", [(minute, "r", b"heard"), (minute, "s", b"heard")], only_new=True)])
    assert await store.fields([minute_hash("w", minute)]) == [{"r": b"own", "s": b"heard"}]


async def test_minutes_beyond_the_span_leave_the_list_of_changes(store: SharedStore) -> None:
    minute = await now_minute(store)
    await store.put([Put("w", [(minute - 3_000, "r", b"1"), (minute - 2_000, "r", b"1"), (minute, "r", b"1")])])
    [[(kept, _)]] = await store.changes([("w", 0)])
    assert kept == minute


async def test_only_one_of_two_replaces_a_value_and_the_other_learns_it(store: SharedStore) -> None:
    assert await store.replace([Change("h", "f", None, b"1")]) == [None]
    assert await store.replace([Change("h", "f", None, b"2"), Change("h", "f", b"1", b"3")]) == [b"1", None]
    assert await store.replace([Change("h", "f", b"1", b"4")]) == [b"3"]
    assert await store.fields(["h"]) == [{"f": b"3"}]


async def test_a_value_of_any_text_comes_back_as_it_was(store: SharedStore) -> None:
    value = '{"Ünïcode":"\\u0000 \\n"}'.encode()
    assert await store.replace([Change("h", "ä", None, value)]) == [None]
    assert await store.fields(["h"]) == [{"ä": value}]


async def test_nothing_to_ask_is_nothing(store: SharedStore) -> None:
    assert [await store.put([]), await store.replace([]), await store.changes([]), await store.fields([])] == [[]] * 4
