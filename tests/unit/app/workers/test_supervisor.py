"""How a sidecar with several workers starts and ends where it cannot go on; real processes."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.e2e.test_run import BODY, PATH
from tests.process import fetch, sidecar, started, wait_until
from tests.upstream import recording_server

if TYPE_CHECKING:
    from pathlib import Path


def test_all_that_is_wrong_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "bad.json").write_text("{")
    flags = ("--engine", "embedded", "--server", "mlserver", "--data", str(tmp_path / "bad.json"))
    (tmp_path / "audit.subject-key").write_bytes(b"short")
    with started(tmp_path, "http://127.0.0.1:1", *flags, "--workers", "2") as running:
        assert running.process.wait(30) == 2
    told = [line for line in running.log.splitlines() if line.startswith("sidecar: ")]
    assert len(told) == len(set(told)) == 2
    assert "--subject-key" in told[1]


def test_a_log_that_breaks_ends_all_non_zero(tmp_path: Path) -> None:
    """The segment that one worker writes to is deleted under it."""
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, "--workers", "2") as running:
        [segment] = (tmp_path / "audit" / "1" / "ledger" / "records").iterdir()
        segment.unlink()
        assert running.process.wait(30) == 1
    assert "worker 1: the audit log broke: stopping all" in running.log


def test_when_the_supervisor_is_killed_no_worker_stays(tmp_path: Path) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url, "--workers", "2") as running:
        assert running.infer(PATH, BODY).status == 200
        pids = [each["pid"] for each in running.status()["workers"]]
        running.process.kill()
        running.process.wait()
        for pid in pids:
            wait_until(lambda pid=pid: not _lives(pid))  # type: ignore[misc]
    assert running.log.count("sidecar: stopping") == 2  # each drained


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_a_signal_while_it_starts_ends_it_well(tmp_path: Path) -> None:
    flags = ("--engine", "embedded", "--server", "mlserver", "--workers", "2", "--consent", "off")
    with started(tmp_path, "http://127.0.0.1:1", *flags) as running:
        assert fetch(running.admin_url + "/health/ready").status == 503
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(30) == 0
