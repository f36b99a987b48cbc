"""A sidecar killed with SIGKILL at random instants, again and again: nothing is lost, nothing stands twice.

`CRASH_LIVES` sets how many sidecars are killed, `CRASH_SEED` which way; the seed is printed, so that a failure can be
tried again (the kills fall at the same delays, not in the same instruction).
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.crash.lives import Lives
from tests.crash.load import PREDICTION
from tests.crash.oracle import breaches
from tests.crash.upstream import recording_model

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from tests.process import Sidecar

LIVES = int(os.environ.get("CRASH_LIVES", "25"))
SEED = int(os.environ.get("CRASH_SEED", str(time.time_ns() % 1_000_000)))
LIMITS = ("--max-in-flight", "32", "--audit-segment", str(3 << 20))
"""Small segments, so that many begin; what is kept for open exchanges must fit into one."""
VERIFIED_OF = 5
"""One restart in so many is verified at once; all of them are at the end."""
VERIFIED_LIVE = 4
SERVING_S = 0.4
STARTING_S = 1.5
STOPPING_S = 0.1
ROTATION_S = 30.0


@pytest.mark.heavy
def test_a_killed_sidecar_loses_nothing(tmp_path: Path) -> None:
    print(f"CRASH_SEED={SEED} CRASH_LIVES={LIVES}")
    seeded = random.Random(SEED)
    with recording_model(tmp_path / "arrivals") as upstream:
        lives = Lives(tmp_path, tmp_path / "audit", upstream, LIMITS)
        ends_well(lives, seeded)
        for number in range(LIVES):
            how = KILLS[number % len(KILLS)]
            how(lives, seeded)
            if number % VERIFIED_OF == 0:
                assert lives.verify() == "", f"after life {number}: {how.__name__}"
        ends_well(lives, seeded)
    history = lives.history()
    assert breaches(history) == []
    assert lives.verify() == ""
    results = Counter(entry.result for entry in history.entries if entry.kind == "OUTCOME")
    assert {"released", "refused", "failed", "aborted", "unknown"} <= set(results), results
    assert {200, 400, 403, 500, 502} <= {answer.status for answer in history.answers}
    assert len(lives.segments()) > LIVES // len(KILLS) * KILLS.count(killed_rotating)


def test_a_log_that_is_being_written_holds_at_every_moment(tmp_path: Path) -> None:
    with recording_model(tmp_path / "arrivals") as upstream:
        lives = Lives(tmp_path, tmp_path / "audit", upstream, LIMITS)
        found: list[str] = []

        async def verified() -> None:
            deadline_s = time.monotonic() + ROTATION_S
            while len(found) < VERIFIED_LIVE or len(lives.segments()) < 2:
                assert time.monotonic() < deadline_s, "no other segment was begun"
                found.append(await asyncio.to_thread(lives.verify))

        with lives.ready_life() as sidecar:
            asyncio.run(_serve(lives, sidecar, random.Random(SEED), verified()))
        assert set(found) == {""}


async def _serve(lives: Lives, sidecar: Sidecar, seeded: random.Random, killing: Coroutine[None, None, None]) -> None:
    """Load until `killing` returns, then SIGKILL."""
    load = asyncio.create_task(lives.load(sidecar, seeded).run())
    await killing
    sidecar.process.kill()
    await load


def killed_serving(lives: Lives, seeded: random.Random) -> None:
    with lives.ready_life() as sidecar:
        asyncio.run(_serve(lives, sidecar, seeded, asyncio.sleep(seeded.uniform(0, SERVING_S))))


def killed_rotating(lives: Lives, seeded: random.Random) -> None:
    """As soon as there is another segment, or a little later."""
    former = len(lives.segments())

    def await_rotation() -> None:
        deadline_s = time.monotonic() + ROTATION_S
        while len(lives.segments()) <= former:
            assert time.monotonic() < deadline_s, "no other segment was begun"
            time.sleep(0.0005)  # closer than `wait_until` looks: the kill shall fall into the rotation
        time.sleep(seeded.choice([0, 0.001, 0.01]))

    with lives.ready_life() as sidecar:
        asyncio.run(_serve(lives, sidecar, seeded, asyncio.to_thread(await_rotation)))


def killed_stopping(lives: Lives, seeded: random.Random) -> None:
    async def stopping(sidecar: Sidecar) -> None:
        await asyncio.sleep(seeded.uniform(0, SERVING_S))
        sidecar.process.send_signal(signal.SIGTERM)
        await asyncio.sleep(seeded.uniform(0, STOPPING_S))

    with lives.ready_life() as sidecar:
        asyncio.run(_serve(lives, sidecar, seeded, stopping(sidecar)))


def killed_starting(lives: Lives, seeded: random.Random) -> None:
    with lives.life():
        time.sleep(seeded.uniform(0, STARTING_S))


def ends_well(lives: Lives, seeded: random.Random) -> None:
    with lives.ready_life() as sidecar:
        answer = asyncio.run(lives.load(sidecar, seeded).call(PREDICTION))
        assert answer.status == 200, answer
        assert sidecar.stop() == 0, sidecar.log


KILLS = (
    *(killed_serving, killed_rotating, killed_serving, killed_stopping, killed_serving),
    *(killed_starting, killed_serving, killed_rotating, killed_serving, killed_stopping),
)
"""The ways to end a life, in turns."""
