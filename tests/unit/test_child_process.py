from __future__ import annotations

import asyncio
import signal
import sys

import pytest

from sidecar.child_process import end

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
