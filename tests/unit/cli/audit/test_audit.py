"""What every verb of `sidecar audit` does alike: its help, and exit codes that tell a finding from all else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sidecar.evidence import AuditLog
from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.ledgers import decision_id

BY_ID = ["show", "prove"]
VERBS = ["verify", "show", "prove", "witness", "export", "replay", "forget"]


def test_help_names_every_verb() -> None:
    shown = audit("--help").output
    assert [verb for verb in VERBS if f"  {verb} " not in shown] == []
    assert [verb for verb in VERBS if audit(verb, "--help").exit_code != 0] == []


@pytest.mark.parametrize("verb", [["verify"], ["export"], ["show", decision_id(1)], ["show", decision_id(1), "--json"]])
def test_a_reader_that_has_seen_enough_ends_a_verb_without_a_word(audit_dir: Path, verb: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "sidecar", "audit", *verb, str(audit_dir)]
    ended = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGPIPE, b"")


@pytest.mark.parametrize("verb", [["verify"], ["export"]])
def test_an_output_that_cannot_be_written_is_no_finding(audit_dir: Path, verb: list[str]) -> None:
    command = [sys.executable, "-m", "sidecar", "audit", *verb, str(audit_dir)]
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (ended.returncode, ended.stderr) == (2, b"sidecar: [Errno 28] No space left on device\n")


def test_who_interrupts_a_verb_finds_nothing(audit_dir: Path) -> None:
    """A FIFO in the place of a proof is waited for: so the interrupt comes while the verb runs."""
    fifo = audit_dir.with_name("fifo")
    os.mkfifo(fifo)
    command = [sys.executable, "-m", "sidecar", "audit", "verify", "--proof", str(fifo)]
    command += ["--public-key", f"{audit_dir}.pub"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as verb, fifo.open("wb"):  # opened once the verb reads it
        verb.send_signal(signal.SIGINT)
        _, told = verb.communicate()
    assert (verb.returncode, told) == (128 + signal.SIGINT, b"")


def test_what_was_not_foreseen_is_no_finding(audit_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(AuditLog, "verify", broken)
    shown = audit("verify", audit_dir)
    assert (shown.exit_code, "ZeroDivisionError" in shown.output) == (2, True)


@pytest.mark.parametrize("verb", [["verify"], ["export"], ["replay"], *([name, decision_id(1)] for name in BY_ID)])
def test_no_log_is_bad_usage(tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "file").touch()
    for place in ("nowhere", "file"):
        shown = audit(*verb, tmp_path / place)
        assert (shown.exit_code, f"sidecar: {tmp_path / place} holds no log" in shown.output) == (2, True)
