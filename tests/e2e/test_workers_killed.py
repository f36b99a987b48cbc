"""Workers killed and stopped under load: nothing is lost, nothing stands twice, and each log holds."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
from typing import TYPE_CHECKING

import pytest

from tests.crash.lives import Lives
from tests.crash.load import PREDICTION, Call
from tests.crash.oracle import breaches
from tests.crash.upstream import Behaviour, recording_model
from tests.e2e.test_workers import TWO, await_restart, workers
from tests.process import Sidecar, wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.heavy

KILLS = 6
SERVING_S = 0.3
CLIENTS = 16
SLOW = Call(Behaviour.SLOW)
LIMITS = ("--max-in-flight", "32")


def test_killed_workers_lose_nothing(tmp_path: Path) -> None:
    """Clients keep their connections while one worker after the other is killed, and begin anew on those they lose."""
    seeded = random.Random(1)
    with recording_model(tmp_path / "arrivals") as upstream:
        lives = Lives(tmp_path, tmp_path / "audit", upstream, (*TWO, *LIMITS))
        with lives.ready_life() as running:
            asyncio.run(_killing(lives, running, seeded))
            assert running.stop() == 0, running.log
    history = lives.history()
    assert breaches(history) == []
    assert lives.verify() == ""
    assert {entry.result for entry in history.entries} >= {"released", "refused", "unknown"}
    assert len({entry.log for entry in history.entries}) == 2


async def _killing(lives: Lives, running: Sidecar, seeded: random.Random) -> None:
    loading = lives.load(running, seeded)
    load = asyncio.create_task(loading.run(CLIENTS))
    for number in range(KILLS):
        await asyncio.sleep(seeded.uniform(SERVING_S / 3, SERVING_S))
        victim = (await asyncio.to_thread(workers, running))[number % 2]
        os.kill(victim["pid"], signal.SIGKILL)
        answered = len(loading.answers)
        await asyncio.to_thread(wait_until, lambda answered=answered: len(loading.answers) > answered)  # the other's
        await asyncio.to_thread(await_restart, running, number % 2, number // 2 + 1)
    load.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await load
    assert (await loading.call(PREDICTION)).status == 200


def test_a_worker_that_hangs_is_replaced_and_the_other_serves_meanwhile(tmp_path: Path) -> None:
    """Its exchanges are concluded by who takes its slot; nobody has to restart the pod."""
    with recording_model(tmp_path / "arrivals") as upstream:
        lives = Lives(tmp_path, tmp_path / "audit", upstream, (*TWO, *LIMITS))
        with lives.ready_life() as running:
            asyncio.run(_hanging(lives, running))
            await_restart(running, 1, 1)
            assert running.stop() == 0, running.log
    assert "worker 1 serves and did not answer 3 times: it is killed" in running.log
    history = lives.history()
    assert breaches(history) == []
    assert lives.verify() == ""
    assert {entry.result for entry in history.entries} >= {"released", "unknown"}


async def _hanging(lives: Lives, running: Sidecar) -> None:
    """Hangs the second worker amid calls; returns when the first has answered many more."""
    loading = lives.load(running, random.Random(2))
    load = asyncio.create_task(loading.run(CLIENTS))
    await asyncio.to_thread(wait_until, lambda: len(loading.answers) > CLIENTS)
    hung = (await asyncio.to_thread(workers, running))[1]["pid"]
    slow = [asyncio.create_task(loading.call(SLOW)) for _ in range(CLIENTS)]
    await asyncio.to_thread(wait_until, lambda: all(count > CLIENTS // 4 for count in _open(running)))
    os.kill(hung, signal.SIGSTOP)
    answered = len(loading.answers)
    await asyncio.to_thread(wait_until, lambda: len(loading.answers) > answered + 10 * CLIENTS)
    await asyncio.to_thread(wait_until, lambda: hung not in {each["pid"] for each in workers(running)}, 60)
    await asyncio.gather(*slow, return_exceptions=True)
    load.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await load


def test_of_fewer_workers_the_first_keeps_the_logs_of_all(tmp_path: Path) -> None:
    """All killed at once under load: nobody has the second's slot any more, and it has exchanges to conclude."""
    archive = tmp_path / "archive"
    flags = (*LIMITS, "--audit-archive", str(archive))
    with recording_model(tmp_path / "arrivals") as upstream:
        two = Lives(tmp_path, tmp_path / "audit", upstream, (*TWO, *flags))
        with two.ready_life() as running:
            asyncio.run(_killing_all(two, running))
        alone = Lives(tmp_path, tmp_path / "audit", upstream, flags, two.answers)
        with alone.ready_life() as running:
            assert running.stop() == 0, running.log
    history = alone.history()
    assert breaches(history) == []
    assert alone.verify() == ""
    unknown = {entry.log for entry in history.entries if entry.result == "unknown"}
    assert len(unknown) == 2
    assert {path.name for path in archive.iterdir() if list(path.glob("records/*"))} >= unknown


async def _killing_all(lives: Lives, running: Sidecar) -> None:
    loading = lives.load(running, random.Random(3))
    load = asyncio.create_task(loading.run(CLIENTS))
    await asyncio.to_thread(wait_until, lambda: len(loading.answers) > 4 * CLIENTS)
    pids = [running.process.pid, *(each["pid"] for each in await asyncio.to_thread(workers, running))]
    slow = [asyncio.create_task(loading.call(SLOW)) for _ in range(CLIENTS)]  # so that each worker has some open
    await asyncio.to_thread(wait_until, lambda: all(count > CLIENTS // 4 for count in _open(running)))
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    await asyncio.gather(*slow, return_exceptions=True)
    await load


def _open(running: Sidecar) -> list[int]:
    return [each["status"]["audit"]["open"] for each in workers(running)]


def test_sigterm_under_load_loses_nothing(tmp_path: Path) -> None:
    with recording_model(tmp_path / "arrivals") as upstream:
        lives = Lives(tmp_path, tmp_path / "audit", upstream, (*TWO, *LIMITS))
        with lives.ready_life() as running:
            assert asyncio.run(_stopping(lives, running)) == 0, running.log
    history = lives.history()
    assert breaches(history) == []
    assert lives.verify() == ""
    assert "unknown" not in {entry.result for entry in history.entries}
    assert len(history.answers) > CLIENTS


async def _stopping(lives: Lives, running: Sidecar) -> int:
    loading = lives.load(running, random.Random(2))
    load = asyncio.create_task(loading.run(CLIENTS))
    await asyncio.to_thread(wait_until, lambda: len(loading.answers) > 4 * CLIENTS)
    status = await asyncio.to_thread(running.stop)
    await load
    return status
