"""What a replica does by itself: lag, arming, the task that syncs. What a sync makes of it all: test_sync.py."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from sidecar.fairness import shared
from sidecar.model.refusal import Refused
from tests.unit.fairness.replicas import groups, its_test, replicas_on, state

if TYPE_CHECKING:
    from tests.servers.redis import RedisServer
    from tests.unit.fairness.replicas import Replicas


async def test_what_others_counted_is_seen_after_a_sync_of_each(three: Replicas) -> None:
    for _ in range(3):
        three.observe(0)
    assert groups(three.windows[1]) == {}
    await three.windows[0].sync()
    assert groups(three.windows[1]) == {}
    await three.windows[1].sync()
    assert groups(three.windows[1]) == {"a": 30, "b": 30}


async def test_a_throttle_meets_calls_at_every_replica_and_each_admits_its_share(three: Replicas) -> None:
    await three.pass_time()
    await three.pass_time()
    armed = three.windows[0].arm("credit", None, rate_per_s=3, hold_s=60)
    assert armed is not None
    await three.pass_time(0.1)
    for window in three.windows:
        assert [each.number for each in window.status().armed] == [1]
        window.admit("credit", None)
        with pytest.raises(Refused) as caught:
            window.admit("credit", None)
        assert caught.value.retry_after_s == 1
        assert window.arm("credit", None, rate_per_s=3, hold_s=60) is None
    for clock in three.clocks:
        clock.advance(0.9)
    with pytest.raises(Refused):
        three.windows[1].admit("credit", None)
    for clock in three.clocks:
        clock.advance(0.15)
    three.windows[1].admit("credit", None)
    await three.pass_time(60)
    assert [len(window.released()) for window in three.windows] == [1, 0, 0]
    again = three.windows[2].arm("credit", None, rate_per_s=3, hold_s=60)
    assert again is not None
    assert (again.number, again.hold_s) == (2, 120)


async def test_a_store_that_is_slow_holds_up_nothing_and_is_told(three: Replicas) -> None:
    three.observe(0, 1, 2)
    three.observe(0, 1, 2)
    await three.pass_time()
    await three.pass_time()
    assert state(three.windows[0]) == "ok"
    three.server.pause()
    try:
        assert await three.pass_time() == [False] * 3
        assert state(three.windows[0]) == "ok"
        assert await three.pass_time(6) == [False] * 3
    finally:
        three.server.resume()
    three.observe(0)
    status = three.windows[0].status()
    assert state(three.windows[0]) == "degraded"
    assert (status.store, status.lag_s, status.problem) == ("redis", 7.0, "TimeoutError: ")
    assert groups(three.windows[0]) == {"a": 70, "b": 70}
    await three.settle()
    assert state(three.windows[0]) == "ok"
    assert three.windows[0].status().problem is None
    assert [groups(window) for window in three.windows] == [groups(three.alone)] * 3


async def test_a_test_goes_on_alone_and_throttles_while_the_store_is_away(three: Replicas) -> None:
    await three.pass_time()
    three.server.kill()
    for _ in range(60):
        three.observe(0)
        await three.pass_time()
    assert its_test(three.windows[0]).certain
    assert three.windows[0].arm("credit", None, rate_per_s=1, hold_s=600) is not None
    three.server.start()
    await three.settle()
    assert [len(window.status().armed) for window in three.windows] == [1, 1, 1]


async def test_it_syncs_by_itself_and_at_once_when_armed(three: Replicas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared, "SYNC_EVERY_S", 600.0)
    first, second = three.windows[:2]
    for _ in range(3):
        three.observe(0)
    running = asyncio.create_task(first.run())
    async with asyncio.timeout(10):
        while state(first) == "degraded":  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.01)
        first.arm("credit", None, rate_per_s=1, hold_s=600)
        while not second.status().armed:
            await second.sync()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_what_is_counted_at_the_end_is_said(redis_server: RedisServer) -> None:
    async with replicas_on(redis_server, 2) as replicas:
        for _ in range(3):
            replicas.observe(0)
        await replicas.windows[0].close()
        await replicas.windows[1].sync()
        assert groups(replicas.windows[1]) == {"a": 30, "b": 30}


async def test_before_the_first_sync_a_window_is_degraded(redis_server: RedisServer) -> None:
    redis_server.kill()
    async with replicas_on(redis_server, 1) as replicas:
        for _ in range(3):
            replicas.observe(0)
        assert await replicas.windows[0].sync() is False
        assert state(replicas.windows[0]) == "degraded"
        assert replicas.windows[0].status().lag_s == 0.0
