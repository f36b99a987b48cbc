"""The shipping process itself."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from sidecar.ship.__main__ import _run
from sidecar.ship.cursor import CursorFile
from tests.process import wait_until
from tests.unit.ship.ledgers import WrittenLog, decision_id, event, refusal
from tests.unit.ship.scripted import Answer, ScriptedCollector

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

DEADLINE_S = 30.0


@contextmanager
def shipping(log: WrittenLog, *options: str) -> Generator[subprocess.Popen[bytes]]:
    """The process; if the test has not ended it, it is killed."""
    command = [sys.executable, "-P", "-m", "sidecar.ship", "--slot-dir", str(log.layout.slot_dir), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stderr is not None
        process.stderr.close()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    """Exit code and log, once it has ended by itself."""
    _, told = process.communicate(timeout=DEADLINE_S)
    return process.returncode, told.decode()


def next_of(log: WrittenLog, name: str) -> int:
    cursor = CursorFile(log.layout.cursors, name).read()
    return -1 if cursor is None else cursor.next


def test_it_ships_to_both_and_at_the_end_what_is_still_due(
    log: WrittenLog, collector: ScriptedCollector, tmp_path: Path
) -> None:
    log.write_signed(refusal(1))
    with shipping(log, "--otlp", collector.url, "--archive", str(tmp_path / "archive")) as process:
        wait_until(lambda: next_of(log, "otlp") == 1)
        log.write_signed(refusal(2))
        process.terminate()
        assert ended(process) == (0, "")
    assert collector.decisions == [decision_id(1), decision_id(2)]
    assert (tmp_path / "archive" / log.log_id / "checkpoints/00000000000000000002").exists()
    assert (tmp_path / "archive" / log.log_id / "tile/0/000.p/2").exists()


def test_killed_at_any_moment_it_repeats_and_leaves_out_nothing(log: WrittenLog, collector: ScriptedCollector) -> None:
    for number in range(0, 60, 10):
        log.write_signed(*map(refusal, range(number, number + 10)))
        with shipping(log, "--otlp", collector.url) as process:
            wait_until(lambda number=number: len(set(collector.decisions)) > number)
            process.kill()
    with shipping(log, "--otlp", collector.url):
        wait_until(lambda: next_of(log, "otlp") == 60)
    assert set(collector.decisions) == {decision_id(number) for number in range(60)}


def test_one_destination_in_trouble_holds_up_no_other(
    log: WrittenLog, collector: ScriptedCollector, tmp_path: Path
) -> None:
    log.write_signed(event())
    collector.fallback = Answer(503)
    with shipping(log, "--otlp", collector.url, "--archive", str(tmp_path / "archive")) as process:
        wait_until((tmp_path / "archive" / log.log_id / "checkpoints/00000000000000000001").exists)
        wait_until(lambda: bool(collector.got))
        process.terminate()
        status, told = ended(process)
    assert (status, next_of(log, "otlp")) == (0, 0)
    assert "otlp: not all was shipped before the end; the next start goes on: 503" in told


def test_ctrl_c_is_for_the_parent(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(refusal(1))
    with shipping(log, "--otlp", collector.url) as process:
        wait_until(lambda: next_of(log, "otlp") == 1)
        process.send_signal(signal.SIGINT)
        log.write_signed(refusal(2))
        wait_until(lambda: next_of(log, "otlp") == 2)


def test_it_waits_for_one_that_is_at_its_last_round(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(refusal(1))
    log.layout.cursors.mkdir()
    with (log.layout.cursors / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with shipping(log, "--otlp", collector.url) as process:
            wait_until(lambda: waits_for_a_lock(process.pid))
            assert collector.got == []
            fcntl.flock(lock, fcntl.LOCK_UN)
            wait_until(lambda: next_of(log, "otlp") == 1)


def waits_for_a_lock(pid: int) -> bool:
    """/proc/locks: `->` begins the line of one that waits."""
    with open("/proc/locks") as locks:
        return any("->" in line and f" {pid} " in line for line in locks)


def test_it_ends_with_its_parent(log: WrittenLog, collector: ScriptedCollector) -> None:
    with shipping(log, "--otlp", collector.url, "--parent", "1") as process:
        assert os.getpid() != 1
        assert ended(process) == (0, "")


@pytest.mark.parametrize("archive", ["nonsense://bucket", "s3://bucket"])
def test_an_archive_that_cannot_be_is_named(log: WrittenLog, archive: str) -> None:
    with shipping(log, "--archive", archive) as process:
        status, told = ended(process)
    assert status == 2
    assert archive in told
    assert "Traceback" not in told


class Defective:
    name = "defective"

    def round(self, *, is_last: bool) -> bool:
        raise KeyError(is_last)


def test_a_defect_ends_the_process_so_that_it_is_started_again(caplog: pytest.LogCaptureFixture) -> None:
    stop = threading.Event()
    assert _run([Defective()], stop) == 1
    assert stop.is_set()
    assert "defective: a defect ends this process" in caplog.text
