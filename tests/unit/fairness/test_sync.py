from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
import pytest
from redis import Redis

from sidecar.fairness.redis_store import PREFIX
from sidecar.fairness.shared import SharedWindow
from sidecar.fairness.shared_store import StoreFailed
from tests.conformance.windows import CREDIT, DAY_S, NOON_S, TERMS, seen
from tests.unit.fairness.replicas import groups, its_test, replicas_on, state, taken

if TYPE_CHECKING:
    from tests.servers.redis import RedisServer
    from tests.unit.fairness.replicas import Replicas


async def test_three_agree_with_one_that_saw_it_all(three: Replicas) -> None:
    for second in range(40):
        three.observe(second % 3, second * 7 % 3)
        await three.pass_time()
    await three.settle()
    expected = three.alone.snapshot(CREDIT, None)
    assert expected.disparate_impact is not None
    assert expected.disparate_impact["certain"] is True
    for window in three.windows:
        found = window.snapshot(CREDIT, None)
        assert (found.state, found.disparate_impact) == ("ok", expected.disparate_impact)
        assert groups(window) == groups(three.alone)
        assert found.groups["a"]["mean_score"] == pytest.approx(expected.groups["a"]["mean_score"], abs=1e-9)
        assert its_test(window) == its_test(three.alone)


async def test_two_that_arm_at_once_have_one_throttle(three: Replicas) -> None:
    armed = [window.arm("credit", None, rate_per_s=1, hold_s=60) for window in three.windows[:2]]
    await three.pass_time()
    await three.pass_time()
    assert [each.number for each in armed if each is not None] == [1, 1]
    assert [len(window.status().armed) for window in three.windows] == [1, 1, 1]
    await three.pass_time(60)
    assert [len(window.released()) for window in three.windows] == [1, 1, 0]


async def test_arming_ends_the_test_of_all(three: Replicas) -> None:
    for _ in range(30):
        three.observe(0, 1, 2)
        await three.pass_time()
    await three.settle()
    assert [its_test(window).certain for window in three.windows] == [True] * 3
    three.windows[1].arm("credit", None, rate_per_s=1, hold_s=60)
    assert its_test(three.windows[1]).certain is False
    three.observe(0, 1, 2)
    await three.settle()
    assert [(its_test(window).wealth, its_test(window).certain) for window in three.windows] == [(1.0, False)] * 3


async def test_what_was_done_before_a_timeout_is_not_done_again(three: Replicas) -> None:
    for second in range(30):
        three.observe(0, 1, 2)
        for index, store in enumerate(three.stores):
            store.is_cut_off = (second + index) % 3 > 0
        await three.pass_time()
    for store in three.stores:
        store.is_cut_off = False
    await three.settle()
    assert [groups(window) for window in three.windows] == [groups(three.alone)] * 3
    assert [taken(window) for window in three.windows] == [{"a": [900, 720], "b": [900, 180]}] * 3


async def test_nothing_is_lost_when_it_is_killed_and_starts_empty(three: Replicas) -> None:
    for _ in range(20):
        three.observe(0, 1, 2)
        await three.pass_time()
    await three.settle()
    three.server.kill()
    for _ in range(10):
        three.observe(0, 1, 2)
        assert await three.pass_time() == [False] * 3
    assert [state(window) for window in three.windows] == ["degraded"] * 3
    assert groups(three.windows[0]) == {"a": 700, "b": 700}
    three.server.start()
    await three.settle()
    assert [state(window) for window in three.windows] == ["ok"] * 3
    assert [groups(window) for window in three.windows] == [groups(three.alone)] * 3
    assert [taken(window) for window in three.windows] == [{"a": [900, 720], "b": [900, 180]}] * 3
    assert its_test(three.windows[0]) == its_test(three.windows[1]) == its_test(three.windows[2])
    assert its_test(three.windows[0]).certain


async def test_what_a_dead_replica_counted_outlives_the_store(three: Replicas) -> None:
    for _ in range(3):
        three.observe(2)
    await three.settle()
    three.windows.pop()
    three.server.kill()
    three.server.start()
    await three.settle()
    newcomer = three.add("newcomer")
    await three.settle()
    assert groups(newcomer) == {"a": 30, "b": 30}


async def test_what_could_not_be_said_is_said_by_the_next_sync(three: Replicas) -> None:
    await three.pass_time()
    three.stores[0].is_deaf = True
    for _ in range(3):
        three.observe(0)
    assert await three.pass_time() == [False, True, True]
    three.stores[0].is_deaf = False
    await three.pass_time()
    await three.pass_time()
    assert groups(three.windows[1]) == {"a": 30, "b": 30}


async def restart(replicas: Replicas) -> None:
    replicas.server.kill()
    replicas.server.start()
    for store in replicas.stores:
        with suppress(StoreFailed):
            await store.beat("nobody")  # finds that its connection is gone


async def test_what_is_known_of_others_never_replaces_their_own_word(three: Replicas) -> None:
    for _ in range(3):
        three.observe(2)
    await three.settle()
    await restart(three)
    three.observe(2)
    three.stores[0].before_put = three.windows[2].sync  # after the first has heard what there is
    assert await three.windows[0].sync()
    newcomer = three.add("newcomer")
    assert await newcomer.sync()
    assert groups(newcomer) == {"a": 40, "b": 40}


async def test_what_another_says_between_our_hearing_and_our_saying_is_not_lost(three: Replicas) -> None:
    await three.settle()
    for _ in range(2):
        three.observe(0, 2)
    three.stores[0].before_put = three.windows[2].sync  # in the same minute, of which ours is then the last change
    assert await three.windows[0].sync()
    three.stores[0].before_put = None
    assert await three.windows[0].sync()
    assert groups(three.windows[0]) == {"a": 40, "b": 40}


async def test_a_redis_that_starts_again_from_a_snapshot_is_told_what_came_after(three: Replicas) -> None:
    for _ in range(2):
        three.observe(0)
    await three.settle()
    three.server.save()
    for _ in range(2):
        three.observe(0)
    await three.settle()
    await restart(three)
    assert await three.windows[0].sync()
    newcomer = three.add("newcomer")
    assert await newcomer.sync()
    assert groups(newcomer) == {"a": 40, "b": 40}


async def test_what_was_said_long_ago_is_said_again_after_a_loss(redis_server: RedisServer) -> None:
    async with replicas_on(redis_server, 1) as replicas:
        for _ in range(3):
            replicas.observe(0)
        await replicas.settle()
        await replicas.pass_time(600)
        await restart(replicas)
        assert await replicas.windows[0].sync()
        newcomer = replicas.add("newcomer")
        assert await newcomer.sync()
        assert groups(newcomer) == {"a": 30, "b": 30}


async def test_a_replica_that_starts_again_says_what_its_log_says_and_nothing_twice(three: Replicas) -> None:
    told = [seen(three.clock, group, positive=group == "a") for group in ("a", "b") for _ in range(40)]
    for each in told[:60]:
        three.windows[0].observe(CREDIT, each)
    await three.settle()
    again = SharedWindow(three.clocks[0], TERMS, "replica-0", three.stores[0])
    for each in told:
        again.observe(CREDIT, each)
    three.windows[0] = again
    await three.settle()
    assert [groups(window) for window in three.windows] == [{"a": 40, "b": 40}] * 3
    assert [taken(window) for window in three.windows] == [{"a": [40, 40], "b": [40, 0]}] * 3


async def test_a_replica_whose_log_is_gone_goes_on_counting(three: Replicas) -> None:
    for _ in range(3):
        three.observe(0)
    await three.settle()
    three.windows[0] = SharedWindow(three.clocks[0], TERMS, "replica-0", three.stores[0])
    three.windows[0].snapshot(CREDIT, None)
    await three.settle()
    three.observe(0)
    await three.settle()
    assert taken(three.windows[1]) == {"a": [40, 32], "b": [40, 8]}


@pytest.mark.parametrize("ahead_s", [-3_600.0, -90.0, 90.0, 3_600.0, 90_000.0])
async def test_a_replica_whose_clock_is_off_spoils_nothing(redis_server: RedisServer, ahead_s: float) -> None:
    async with replicas_on(redis_server, 2) as replicas:
        replicas.add(ahead_s=ahead_s)
        for _ in range(40):
            replicas.observe(0, 1, 2)
            await replicas.pass_time()
        await replicas.settle()
        assert groups(replicas.windows[0]) == groups(replicas.alone)
        assert its_test(replicas.windows[0]).certain
        counted = {"a": [1_200, 960], "b": [1_200, 240]} if ahead_s < 43_200 else {"a": [800, 640], "b": [800, 160]}
        assert taken(replicas.windows[0]) == counted


async def test_each_prediction_is_tested_in_the_epoch_that_its_replicas_clock_tells(redis_server: RedisServer) -> None:
    async with replicas_on(redis_server, 2) as replicas:
        replicas.add(ahead_s=3_600)
        await replicas.pass_time(DAY_S / 2 - 1_800)  # for the third it is half an hour into tomorrow
        for _ in range(10):
            replicas.observe(0, 1, 2)
            await replicas.pass_time()
        await replicas.settle()
        assert taken(replicas.windows[0]) == taken(replicas.windows[1]) == {"a": [200, 160], "b": [200, 40]}
        assert taken(replicas.windows[2]) == {"a": [100, 80], "b": [100, 20]}
        await replicas.pass_time(1_800)
        replicas.observe(0, 1, 2)
        await replicas.settle()
        assert [taken(window) for window in replicas.windows] == [{"a": [130, 104], "b": [130, 26]}] * 3
        assert groups(replicas.windows[0]) == {"a": 330, "b": 330}


async def test_a_throttle_of_yesterday_meets_a_replica_that_starts_today(redis_server: RedisServer) -> None:
    async with replicas_on(redis_server, 1) as replicas:
        await replicas.pass_time(DAY_S / 2 - 10)
        replicas.windows[0].arm("credit", None, rate_per_s=1, hold_s=60)
        await replicas.pass_time(20)
        newcomer = replicas.add("newcomer")
        assert await newcomer.sync()
        assert len(newcomer.status().armed) == 1


async def test_a_throttle_lasts_as_long_for_a_replica_whose_clock_is_off(redis_server: RedisServer) -> None:
    async with replicas_on(redis_server, 1) as replicas:
        late = replicas.add(ahead_s=-3_600)
        replicas.windows[0].arm("credit", None, rate_per_s=1, hold_s=60)
        await replicas.pass_time()
        assert len(late.status().armed) == 1
        await replicas.pass_time(58)
        assert len(late.status().armed) == 1
        await replicas.pass_time(1.5)
        assert late.status().armed == ()


async def test_rubbish_in_the_store_is_passed_over(three: Replicas) -> None:
    three.observe(0)
    await three.settle()
    with Redis.from_url(three.server.url) as redis:
        keys = [key.decode().removeprefix(PREFIX) for key in redis.scan_iter()]
        [minute] = [key for key in keys if key.startswith("minute:")]
        [test] = [key for key in keys if key.startswith("test:")]
        redis.hset(PREFIX + minute, "stranger", b"{")
        redis.hset(PREFIX + minute, "other", orjson.dumps({"a": [1, 2]}))
        redis.hset(PREFIX + test, "state", b'{"number": 1}')
        redis.hset(f"{PREFIX}holds:{int(NOON_S // TERMS.epoch_s)}", '["credit",null]', b"[]")
    three.observe(0, 1, 2)
    three.observe(0, 1, 2)
    await three.settle()
    assert [groups(window) for window in three.windows] == [groups(three.alone)] * 3
    assert taken(three.windows[1]) == {"a": [70, 56], "b": [70, 14]}


async def test_everything_in_the_store_expires_and_has_the_prefix(three: Replicas) -> None:
    three.observe(0, 1, 2)
    three.windows[0].arm("credit", None, rate_per_s=1, hold_s=60)
    await three.settle()
    with Redis.from_url(three.server.url) as redis:
        lives = {key.decode(): redis.ttl(key) for key in redis.scan_iter()}
    assert len(lives) >= 7
    assert all(key.startswith("sidecar:{fairness}:") for key in lives)
    assert {key for key, life_s in lives.items() if not 0 < life_s <= 3 * TERMS.epoch_s} == set()


async def test_rubbish_where_nobody_looks_for_it_degrades_and_says_so(
    three: Replicas, caplog: pytest.LogCaptureFixture
) -> None:
    three.observe(0)
    await three.settle()
    with Redis.from_url(three.server.url) as redis:
        [changes] = [key for key in redis.scan_iter() if b":changes:" in key]
        redis.zadd(changes, {"no minute": 9e15})
    assert await three.pass_time() == [False] * 3
    assert "no minute" in (three.windows[0].status().problem or "")
    assert "a sync with the window store failed" in caplog.text
    await three.pass_time(10)
    assert state(three.windows[0]) != "ok"
    three.observe(0, 0, 0)
    assert state(three.windows[0]) == "degraded"
