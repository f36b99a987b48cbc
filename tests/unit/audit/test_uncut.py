from __future__ import annotations

import asyncio
import threading

import pytest

from sidecar.audit.uncut import Uncut, uncut, uncut_thread

pytestmark = pytest.mark.anyio


async def test_work_in_a_thread_is_done_before_its_caller_is_cancelled() -> None:
    begun, gate = threading.Event(), threading.Event()
    steps: list[str] = []

    def work() -> str:
        begun.set()
        gate.wait()
        return "made"

    async def caller() -> None:
        steps.append(await uncut_thread(work))
        steps.append("kept")
        await asyncio.Event().wait()

    task = asyncio.create_task(caller())
    await asyncio.to_thread(begun.wait)
    task.cancel("gone")
    await asyncio.sleep(0)
    assert (task.done(), steps) == (False, [])
    gate.set()
    with pytest.raises(asyncio.CancelledError, match="gone"):
        await task
    assert steps == ["made", "kept"]


async def test_what_fails_in_a_thread_fails_here() -> None:
    with pytest.raises(ZeroDivisionError):
        await uncut_thread(lambda: 1 // 0)


async def test_a_wait_that_is_over_gives_its_result() -> None:
    wait: Uncut[int] = Uncut()
    wait.set_result(1)
    assert await uncut(wait) == 1
    assert not wait.cancel()
