"""The worker's own side: what it does with what it is given, until nobody gives any more."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

from sidecar.app.workers.channel import Assignment, Kind, line_of, word_of
from sidecar.audit.lookup import export
from sidecar.policy.followed import Told
from tests.process import REPOSITORY, fetch
from tests.unit.app.workers.given import given

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "sidecar.app.workers"]
TIMEOUT_S = 30.0


def started(assignment: Assignment) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=(assignment.listener_fd, assignment.counters_fd),
        cwd=REPOSITORY,
    )
    say(process, assignment)
    return process


def say(process: subprocess.Popen[bytes], said: Assignment | Told) -> None:
    assert process.stdin is not None
    process.stdin.write(line_of(said))
    process.stdin.flush()


def word(process: subprocess.Popen[bytes]) -> Any:
    assert process.stdout is not None
    return word_of(process.stdout.readline())


def test_without_a_supervisor_there_is_nothing_to_do() -> None:
    done = subprocess.run(COMMAND, input=b"", capture_output=True, timeout=TIMEOUT_S, check=False)
    assert (done.returncode, done.stdout) == (0, b"")


def test_it_serves_on_what_it_inherits_and_drains_when_its_supervisor_is_gone(tmp_path: Path) -> None:
    with given(tmp_path) as of:
        process = started(of.assignment)
        assert [word(process).kind for _ in range(2)] == [Kind.SERVING, Kind.READY]
        host, port = of.listener.getsockname()
        assert fetch(f"http://{host}:{port}/nothing", b"{}").status == 404
        _, log = process.communicate(timeout=TIMEOUT_S)  # closes its input
        assert process.returncode == 0
    assert b"worker 0 sidecar: stopping" in log
    events = [record for record in export(tmp_path / "audit") if b'"kind":"EVENT"' in record]
    assert b'"event":"stop"' in events[-1]


def test_it_does_not_start_without_the_engine_that_it_is_to_be_told_of(tmp_path: Path) -> None:
    (tmp_path / "audit.subject-key").write_bytes(b"short")
    with given(tmp_path, follows=True) as of:
        process = started(of.assignment)
        say(process, Told(None, ("rego: does not parse",)))
        problems = word(process)
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 2
    assert (problems.kind, problems.texts[0], len(problems.texts)) == (Kind.PROBLEMS, "rego: does not parse", 2)
    assert "--subject-key" in problems.texts[1]
