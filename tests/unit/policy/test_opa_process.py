from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.logs import QuietLog
from sidecar.policy.opa_process import OpaProcess
from sidecar.policy.problems import PolicyProblems
from tests.policies import until
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, sys, time; signal.signal(15, signal.SIG_IGN); open(sys.argv[1], 'w'); time.sleep(60)",
]


class Restarts(asyncio.Queue[None]):
    def note(self) -> None:
        self.put_nowait(None)


def process(command: list[str], tmp_path: Path, restarts: Restarts | None = None) -> OpaProcess:
    return OpaProcess(command, tmp_path / "s", QuietLog(FixedClock()), (restarts or Restarts()).note)


def is_running(pid: int) -> bool:
    """A zombie that nobody has waited for is not running."""
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def until_ended(daemon: OpaProcess) -> None:
    while True:
        await daemon.check_alive()
        await asyncio.sleep(0.01)


async def test_it_runs_in_a_group_of_its_own_and_ends_when_closed(tmp_path: Path) -> None:
    daemon = process(SLEEP, tmp_path)
    await daemon.start()
    daemon.supervise()
    pid = daemon.pid
    assert pid is not None
    await until(lambda: os.getpgid(pid) == pid)  # it begins as this very Python, which becomes the command
    await daemon.check_alive()
    await daemon.aclose()
    assert not is_running(pid)
    assert daemon.pid is None


async def test_one_that_ignores_the_polite_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidecar.policy.opa_process.TERM_LIMIT_S", 0.1)
    daemon = process([*STUBBORN, str(tmp_path / "ready")], tmp_path)
    await daemon.start()
    await until((tmp_path / "ready").exists)
    pid = daemon.pid
    assert pid is not None
    await daemon.aclose()
    assert not is_running(pid)


async def test_a_death_is_answered_with_a_new_start_and_the_old_socket_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    restarts = Restarts()
    daemon = process(SLEEP, tmp_path, restarts)
    await daemon.start()
    daemon.supervise()
    first = daemon.pid
    assert first is not None
    (tmp_path / "s").touch()
    os.kill(first, signal.SIGKILL)
    await restarts.get()
    assert daemon.pid not in (None, first)
    assert not (tmp_path / "s").exists()
    assert "OPA ended with status -9; it is started again in 0.1 s" in caplog.messages
    await daemon.aclose()


async def test_the_delay_doubles_up_to_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    delays: list[float] = []
    real_sleep = asyncio.sleep

    async def noted(delay_s: float) -> None:
        delays.append(delay_s)
        await real_sleep(0)

    monkeypatch.setattr("sidecar.policy.opa_process.asyncio.sleep", noted)
    restarts = Restarts()
    daemon = process(["/bin/false"], tmp_path, restarts)
    await daemon.start()
    daemon.supervise()
    for _ in range(6):
        await restarts.get()
    await daemon.aclose()
    assert delays[:6] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]


async def test_what_cannot_be_started_says_so(tmp_path: Path) -> None:
    daemon = process([str(tmp_path / "nothing")], tmp_path)
    await daemon.start()
    with pytest.raises(PolicyProblems, match="nothing"):
        await until_ended(daemon)
    await daemon.aclose()


def test_it_does_not_outlive_the_sidecar(tmp_path: Path) -> None:
    script = f"""
import asyncio, os, signal
from pathlib import Path
from sidecar.policy.opa_process import OpaProcess
from sidecar.policy.logs import QuietLog
from sidecar.model.clock import SystemClock
async def main():
    daemon = OpaProcess({SLEEP!r}, Path({str(tmp_path / "s")!r}), QuietLog(SystemClock()), print)
    await daemon.start()
    while os.getpgid(daemon.pid) != daemon.pid:
        await asyncio.sleep(0.01)
    while b"time.sleep" not in Path(f"/proc/{{daemon.pid}}/cmdline").read_bytes():
        await asyncio.sleep(0.01)
    print(daemon.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    ended = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, check=False, timeout=30)
    assert ended.returncode == -signal.SIGKILL
    while is_running(int(ended.stdout)):
        os.sched_yield()
