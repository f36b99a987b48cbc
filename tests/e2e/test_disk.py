"""A disk that fails or is full under a running sidecar: what cannot be recorded is refused, and nothing is lost.

`DISK_FAULTS` sets how many failures are tried, `DISK_SEED` which.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.crash.faults import Fault
from tests.crash.lives import Lives
from tests.crash.load import MALFORMED, PREDICTION, REFUSED, Call
from tests.crash.oracle import Rule, breaches
from tests.crash.upstream import Behaviour, recording_model
from tests.process import WAIT_TIMEOUT_S, fetch, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

    from tests.crash.history import Answer
    from tests.crash.load import Load
    from tests.process import Sidecar

FAULTS = int(os.environ.get("DISK_FAULTS", "8"))
SEED = int(os.environ.get("DISK_SEED", str(time.time_ns() % 1_000_000)))
LIMITS = ("--max-in-flight", "32", "--audit-segment", str(3 << 20))
STARTING_CALLS = (1, 12)
SERVING_CALLS = (13, 200)
SERVING_S = 0.4
REFUSING_S = 2.5
VOLUME_BYTES = 16 << 20
UNAVAILABLE = (503, ("audit_unavailable",))
COUNTED = (400, ("body_malformed",))
STARVING = 8
EXHAUSTING_TIMEOUT_S = 180.0
CAP_SYS_ADMIN = 21
SLOW_MIX = {PREDICTION: 6, REFUSED: 2, Call(Behaviour.SLOW): 1}


@pytest.fixture
def lives(tmp_path: Path) -> Generator[Lives]:
    with recording_model(tmp_path / "arrivals") as upstream:
        yield Lives(tmp_path, tmp_path / "audit", upstream, LIMITS)


@pytest.mark.heavy
def test_a_failing_disk_loses_nothing(lives: Lives) -> None:
    print(f"DISK_SEED={SEED} DISK_FAULTS={FAULTS}")
    seeded = random.Random(SEED)
    for number in range(FAULTS):
        fault = [Fault.POWER, Fault.EIO, Fault.SHORT, Fault.ENOSPC][number % 4]
        first, last = [STARTING_CALLS, SERVING_CALLS, SERVING_CALLS][number % 3]
        fails(lives, fault, seeded.randint(first, last), seeded)
        with lives.ready_life() as sidecar:
            enough = len(lives.answers) + 20
            asyncio.run(serve(lives.load(sidecar, seeded), lambda enough=enough: len(lives.answers) > enough))
            assert sidecar.stop() == 0, sidecar.log
        assert lives.verify() == "", f"after {fault}"
    history = lives.history()
    assert breaches(history) == []
    assert UNAVAILABLE in told(history.answers)


def fails(lives: Lives, fault: Fault, call: int, seeded: random.Random) -> None:
    """A life with a failure, killed where it outlives it; it must not outlive a record that was not written."""
    with lives.life("tests.crash.faults", fault, str(call), str(seeded.getrandbits(32))) as sidecar:
        wait_until(lambda: sidecar.process.poll() is not None or bool(sidecar.ports))
        if sidecar.ports:
            load = lives.load(sidecar, seeded)
            asyncio.run(serve(load, lambda: fault is Fault.SHORT or f"{fault} at " in sidecar.log))
            until_s = time.monotonic() + SERVING_S
            asyncio.run(serve(load, lambda: time.monotonic() > until_s))
        if fault in (Fault.EIO, Fault.ENOSPC) and f"{fault} at write" in sidecar.log:
            assert sidecar.process.wait(WAIT_TIMEOUT_S) > 0, sidecar.log


def test_the_oracle_sees_what_a_lying_disk_lost(lives: Lives) -> None:
    with lives.ready_life("tests.crash.faults", Fault.LIES, "40", "0") as sidecar:
        load = lives.load(sidecar, random.Random(0))
        asyncio.run(serve(load, lambda: len(load.answers) > 300))
        sidecar.process.kill()
    rules = {breach.rule for breach in breaches(lives.history())}
    assert {Rule.FORWARDED_UNRECORDED, Rule.ANSWERED_UNRECORDED} <= rules


@pytest.fixture
def volume(tmp_path: Path) -> Generator[Path]:
    """A file system of its own, of `VOLUME_BYTES`."""
    if not may_mount():
        pytest.skip("a full volume is NOT tried: mounting a tmpfs needs CAP_SYS_ADMIN (run as root)")
    folder = tmp_path / "volume"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={VOLUME_BYTES}", "none", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def may_mount() -> bool:
    """Where the kernel would let us, a failure to mount is a failure of the test, not a reason to skip it."""
    found = re.search(r"^CapEff:\s*([0-9a-f]+)$", Path("/proc/self/status").read_text(), re.MULTILINE)
    return found is not None and bool(int(found[1], 16) >> CAP_SYS_ADMIN & 1)


@pytest.mark.heavy
def test_a_full_volume_refuses_until_there_is_room(lives: Lives, volume: Path) -> None:
    """Full while it serves, until there is room again; then full at a kill, at the next start, and at a stop."""
    lives = replace(lives, audit_dir=volume / "audit")
    seeded = random.Random(SEED)
    ballast = volume / "ballast"
    with lives.ready_life() as sidecar:
        load = lives.load(sidecar, seeded, SLOW_MIX)
        asyncio.run(load.call(PREDICTION))
        fill(ballast)
        exhaust(load)
        flood(load, sidecar)
        exhaust(load)  # the flood's summary falls due, and cannot be written
        ballast.unlink()
        wait_until(lambda: asyncio.run(load.call(PREDICTION)).status == 200)
        assert asyncio.run(load.call(REFUSED)).status == 403
        wait_until(lambda: any(entry.kind == "REFUSAL_SUMMARY" for entry in lives.history().entries))
        fill(ballast)
        exhaust(load)
        assert sidecar.process.poll() is None, sidecar.log
    with starved(lives, seeded, ballast) as sidecar:
        ballast.unlink()
        sidecar.await_ready()
        load = lives.load(sidecar, seeded, SLOW_MIX)
        assert asyncio.run(load.call(PREDICTION)).status == 200
        fill(ballast)
        exhaust(load)
        assert sidecar.stop() == 0, sidecar.log
    history = lives.history()
    assert breaches(history) == []
    assert {(200, ()), (403, ("data_stale",)), COUNTED, UNAVAILABLE} == set(told(history.answers))
    assert lives.verify() == ""


@contextmanager
def starved(lives: Lives, seeded: random.Random, ballast: Path) -> Generator[Sidecar]:
    """A sidecar that finds no room when it starts. Killing one can free some: the next takes it, and is killed."""
    for _ in range(STARVING):
        fill(ballast)
        with lives.life() as sidecar:
            wait_until(lambda sidecar=sidecar: sidecar.process.poll() is not None or bool(sidecar.ports))
            if fetch(sidecar.admin_url + "/health/ready").status == 503:
                yield sidecar
                return
            exhaust(lives.load(sidecar, seeded, SLOW_MIX))
    pytest.fail(f"after {STARVING} starts there is still room")


def exhaust(load: Load) -> None:
    """Load until not even one exchange alone has room."""
    while True:
        asyncio.run(serve(load, refusing(load.answers), timeout_s=EXHAUSTING_TIMEOUT_S))
        if asyncio.run(load.call(PREDICTION)).status == UNAVAILABLE[0]:
            return


def flood(load: Load, sidecar: Sidecar) -> None:
    """Refusals, until there are more in a second than are recorded singly: the rest wait in memory to be summarised."""
    garbage = replace(load, mix={MALFORMED: 1}, limited_a_life=sys.maxsize)
    asyncio.run(serve(garbage, lambda: summarised(sidecar) > 0))


def summarised(sidecar: Sidecar) -> float:
    """How many refusals were counted in a summary."""
    found = re.search(r"^sidecar_audit_refusals_summarised_total (\S+)$", sidecar.metrics(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def fill(file: Path) -> None:
    """Writes until nothing more goes in."""
    with file.open("ab", buffering=0) as ballast, contextlib.suppress(OSError):
        while ballast.write(bytes(4_096)):
            pass


def refusing(answers: list[Answer]) -> Callable[[], bool]:
    """Whether it has refused for lack of room for `REFUSING_S`, from the first time on."""
    number = len(answers)
    since_s: list[float] = []

    def is_enough() -> bool:
        if not since_s and UNAVAILABLE in told(answers[number:]):
            since_s.append(time.monotonic())
        return bool(since_s) and time.monotonic() > since_s[0] + REFUSING_S

    return is_enough


def told(answers: Iterable[Answer]) -> list[tuple[int, tuple[str, ...]]]:
    """What clients were told."""
    return [(answer.status, answer.codes) for answer in answers]


async def serve(load: Load, is_enough: Callable[[], bool], timeout_s: float = WAIT_TIMEOUT_S) -> None:
    """Load until it is enough, or the sidecar is gone."""
    running = asyncio.create_task(load.run())
    await asyncio.to_thread(wait_until, lambda: is_enough() or running.done(), timeout_s)
    running.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await running
