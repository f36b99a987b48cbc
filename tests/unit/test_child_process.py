from __future__ import annotations

import asyncio
import logging
import signal
import sys

import pytest

from sidecar.child_process import Pauses, end, keep_alive

pytestmark = pytest.mark.anyio


async def child(code: str) -> asyncio.subprocess.Process:
    """A process that runs `code`, and has said that it is ready."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"{code}\nprint('ready', flush=True)\nsignal.pause()", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    return process


async def test_one_that_answers_ends_by_itself() -> None:
    process = await child("import signal")
    assert await end(process, 30.0)
    assert process.returncode == -signal.SIGTERM


async def test_one_that_does_not_answer_is_killed() -> None:
    process = await child("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert not await end(process, 0.05)
    assert process.returncode == -signal.SIGKILL


async def test_one_that_has_ended_is_left_alone() -> None:
    process = await child("import signal")
    process.kill()
    await process.wait()
    assert await end(process, 30.0)
    assert process.returncode == -signal.SIGKILL


async def test_a_process_that_cannot_be_started_is_tried_again_later(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    real_sleep = asyncio.sleep

    async def noted(pause_s: float) -> None:
        pauses.append(pause_s)
        await real_sleep(0)

    monkeypatch.setattr("sidecar.child_process.asyncio.sleep", noted)
    first, second = await child("import signal"), await child("import signal")
    outcomes = iter((OSError("no memory"), OSError("no memory"), second))
    restarted = asyncio.Event()

    async def spawn() -> asyncio.subprocess.Process:
        outcome = next(outcomes)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    first.kill()
    log, limits = logging.getLogger("sidecar.test"), Pauses(first_s=0.25, last_s=0.5, stable_s=60.0)
    kept = asyncio.create_task(keep_alive(first, spawn, restarted.set, pauses=limits, name="it", log=log))
    await restarted.wait()
    kept.cancel()
    await asyncio.gather(kept, return_exceptions=True)
    await end(second, 30.0)
    assert pauses == [0.25, 0.5, 0.5]
    assert caplog.messages == [
        "it ended with status -9; it is started again in 0.2 s",
        "it cannot be started: no memory",
        "it ended with status -9; it is started again in 0.5 s",
        "it cannot be started: no memory",
        "it ended with status -9; it is started again in 0.5 s",
    ]
