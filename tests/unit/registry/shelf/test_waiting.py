from __future__ import annotations

import asyncio

from sidecar.registry.shelf.waiting import Served, Shelf
from tests.policies import until

FIRST = Served("data", b"1", '"1"', "r1", 1)
SECOND = Served("data", b"2", '"2"', "r2", 2)
OTHER = Served("policy", b"3", '"3"', "r3", 3)


def shelf(limit: int = 10) -> Shelf:
    made = Shelf(("data", "policy"), waiters_limit=limit)
    made.put(FIRST)
    return made


async def test_what_was_put_is_served_until_the_next() -> None:
    made = shelf()
    assert (made.get("data"), made.get("policy")) == (FIRST, None)
    made.put(SECOND)
    assert made.get("data") == SECOND


async def test_who_has_another_one_does_not_wait() -> None:
    made = shelf()
    assert await made.wait("data", '"0"', 1e9)
    assert await made.wait("data", "", 1e9)
    assert await made.wait("policy", '"3"', 1e9)


async def test_all_who_wait_for_a_name_are_woken_and_no_others() -> None:
    made = shelf()
    made.put(OTHER)
    waiting = [asyncio.create_task(made.wait("data", '"1"', 60)) for _ in range(3)]
    other = asyncio.create_task(made.wait("policy", '"3"', 60))
    await until(lambda: made.waiters == 4)
    made.put(SECOND)
    assert await asyncio.gather(*waiting) == [True] * 3
    assert (made.waiters, other.done()) == (1, False)
    made.close()
    assert await other


async def test_the_same_again_wakes_nobody() -> None:
    made = shelf()
    waiting = asyncio.create_task(made.wait("data", '"1"', 60))
    await until(lambda: made.waiters == 1)
    made.put(FIRST)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    made.put(SECOND)
    assert await waiting


async def test_a_wait_ends_in_time() -> None:
    made = shelf()
    assert await made.wait("data", '"1"', 0.01)
    assert made.waiters == 0


async def test_beyond_the_bound_there_is_no_room() -> None:
    made = shelf(limit=2)
    waiting = [asyncio.create_task(made.wait("data", '"1"', 60)) for _ in range(2)]
    await until(lambda: made.waiters == 2)
    assert not await made.wait("data", '"1"', 60)
    waiting[0].cancel()
    await asyncio.wait(waiting[:1])
    assert made.waiters == 1
    made.close()
    assert await waiting[1]


async def test_once_closed_nobody_waits() -> None:
    made = shelf()
    made.close()
    assert await made.wait("data", '"1"', 1e9)
