"""A caller that is cancelled while its record is on its way: the record is there, and the caller knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.model.refusal import Refused
from tests.budgets import examples
from tests.unit.audit.logs import Opened, held_write, intent, outcome, parked, summary, until
from tests.unit.ledger.faulty import os_error
from tests.unit.ledger.logs import scratch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
async def it(tmp_path: Path) -> AsyncGenerator[Opened]:
    opened = Opened(tmp_path).start()
    yield opened
    await opened.log.aclose()


@pytest.mark.parametrize("cancels", [1, 2, 3])
async def test_a_cancelled_append_finishes_and_its_task_is_cancelled_at_the_next_step(it: Opened, cancels: int) -> None:
    gate = held_write(it.files)
    seen: list[str] = []

    async def exchange() -> None:
        await it.log.append(intent(1))
        seen.append("knows that it is on record")
        try:
            await asyncio.sleep(3_600)
        finally:
            await it.log.append(outcome(1))
            seen.append("has concluded")

    task = await parked(exchange())
    await gate.entered()
    for number in range(cancels):
        task.cancel(f"cancel {number}")
    await asyncio.sleep(0)
    assert not task.done()
    gate.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert seen == ["knows that it is on record", "has concluded"]
    assert task.cancelling() == cancels
    assert summary(it.lines()) == [("INTENT", 1), ("OUTCOME", 1)]


@settings(max_examples=examples(50))
@given(st.lists(st.none() | st.integers(0, 40), min_size=1, max_size=8))
async def test_no_cancellation_at_any_step_leaves_an_intent_open_or_unknown_to_its_caller(
    steps: list[int | None],
) -> None:
    """Each exchange is cancelled after so many steps of the loop, or never."""
    with scratch() as folder:
        it = Opened(folder).start()
        known: set[int] = set()

        async def exchange(number: int) -> None:
            await it.log.append(intent(number))
            known.add(number)
            try:
                for _ in range(5):
                    await asyncio.sleep(0)
            finally:
                await it.log.append(outcome(number))

        async def cancel(task: asyncio.Task[None], after: int | None) -> None:
            for _ in range(after or 0):
                await asyncio.sleep(0)
            if after is not None:
                task.cancel()

        tasks = [asyncio.create_task(exchange(number)) for number in range(len(steps))]
        cancels = [cancel(task, after) for task, after in zip(tasks, steps, strict=True)]
        await asyncio.gather(*tasks, *cancels, return_exceptions=True)
        await it.log.aclose()
        found = summary(it.lines())
        for kind in ("INTENT", "OUTCOME"):
            assert sorted(number for each, number in found if each == kind) == sorted(known)
        assert known >= {number for number, after in enumerate(steps) if after is None}


async def test_a_task_that_is_cancelled_and_takes_it_back_goes_on(it: Opened) -> None:
    gate = held_write(it.files)

    async def exchange() -> int:
        await it.log.append(intent(1))
        task = asyncio.current_task()
        assert task is not None
        task.uncancel()
        await it.log.append(outcome(1))
        await asyncio.sleep(0)
        return task.cancelling()

    task = await parked(exchange())
    await gate.entered()
    task.cancel()
    gate.release()
    assert await task == 0
    assert summary(it.lines()) == [("INTENT", 1), ("OUTCOME", 1)]


async def test_a_task_cancelled_before_it_begins_records_nothing(it: Opened) -> None:
    task = asyncio.create_task(it.log.append(intent(1)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert it.lines() == []


async def test_a_cancellation_that_waits_already_lets_the_append_finish(it: Opened) -> None:
    async def exchange() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await it.log.append(intent(1))
        await asyncio.sleep(3_600)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(exchange())
    assert summary(it.lines()) == [("INTENT", 1)]


async def test_a_refusal_is_told_to_a_cancelled_caller_too(it: Opened) -> None:
    gate = held_write(it.files)
    gate.failure = os_error(5)
    told: list[str] = []

    async def exchange() -> None:
        try:
            await it.log.append(intent(1))
        except Refused as refused:
            told.append(refused.reasons[0].code)
        await asyncio.sleep(3_600)

    task = await parked(exchange())
    await gate.entered()
    task.cancel()
    gate.release()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert told == ["audit_unavailable"]


async def test_a_deadline_that_passes_during_an_append_is_not_left_over(it: Opened) -> None:
    """The block ends, late, and nothing is cancelled after it."""
    gate = held_write(it.files)

    async def exchange() -> int:
        async with asyncio.timeout_at(asyncio.get_running_loop().time()):
            await it.log.append(intent(1))
        await asyncio.sleep(0)
        await it.log.append(outcome(1))
        task = asyncio.current_task()
        assert task is not None
        return task.cancelling()

    task = await parked(exchange())
    await gate.entered()
    gate.release()
    assert await task == 0
    assert summary(it.lines()) == [("INTENT", 1), ("OUTCOME", 1)]


async def test_a_deadline_around_more_than_the_append_ends_what_comes_after(it: Opened) -> None:
    gate = held_write(it.files)

    async def exchange() -> None:
        async with asyncio.timeout_at(asyncio.get_running_loop().time()):
            await it.log.append(intent(1))
            await asyncio.sleep(3_600)

    task = await parked(exchange())
    await gate.entered()
    gate.release()
    with pytest.raises(TimeoutError):
        await task
    assert summary(it.lines()) == [("INTENT", 1)]


async def test_a_group_that_fails_waits_for_the_appends_of_its_tasks(it: Opened) -> None:
    gate = held_write(it.files)

    async def fail() -> None:
        await gate.entered()
        raise ValueError("elsewhere")

    async def group_of_two() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(it.log.append(intent(1)))
            group.create_task(fail())
            await it.log.append(intent(2))

    task = await parked(group_of_two())
    await gate.entered()
    await until(lambda: task.cancelling() > 0)
    gate.release()
    with pytest.raises(ExceptionGroup) as caught:
        await task
    assert [str(each) for each in caught.value.exceptions] == ["elsewhere"]
    assert sorted(summary(it.lines())) == [("INTENT", 1), ("INTENT", 2)]
