"""What an auditor does, on the log of a real sidecar: while it runs, after a kill, after a clean stop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

from sidecar.evidence import AuditLog
from tests.e2e.test_run import BODY, PATH
from tests.process import REPOSITORY, WAIT_TIMEOUT_S, sidecar, wait_until
from tests.upstream import recording_server

if TYPE_CHECKING:
    from pathlib import Path

    from tests.process import Sidecar

CALLS = 40


def audit(*arguments: str | Path, cwd: Path = REPOSITORY) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sidecar", "audit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT_TIMEOUT_S, check=False, cwd=cwd)


def signed_size(folder: Path) -> int:
    checkpoint = folder / "audit" / "0" / "ledger" / "checkpoint"
    return int(checkpoint.read_text().splitlines()[1]) if checkpoint.exists() else 0


def test_a_log_under_load_verifies_without_false_findings(tmp_path: Path) -> None:
    done = threading.Event()

    def load(running: Sidecar) -> None:
        while not done.is_set():
            running.infer(PATH, BODY)

    with recording_server() as upstream, sidecar(tmp_path, upstream.url) as running:
        caller = threading.Thread(target=load, args=(running,))
        caller.start()
        try:
            wait_until(lambda: signed_size(tmp_path) > CALLS)
            checked = [audit("verify", tmp_path / "audit", "--json") for _ in range(3)]
        finally:
            done.set()
            caller.join()
    for one in checked:
        assert one.returncode == 0, one.stdout + one.stderr
        codes = {finding["code"] for finding in json.loads(one.stdout)["logs"][0]["findings"]}
        assert codes <= {"not_yet_signed", "still_open", "torn_tail"}


def test_a_killed_sidecar_leaves_a_log_that_holds_and_a_story_that_is_proven(tmp_path: Path) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url) as running:
        answers = [running.infer(PATH, BODY) for _ in range(CALLS)]
        refused = running.infer(PATH, BODY, X_Data_Version="stale")
        recorded = len(running.records())
        wait_until(lambda: signed_size(tmp_path) >= recorded)
        running.process.send_signal(signal.SIGKILL)
        running.process.wait(WAIT_TIMEOUT_S)
    (report,) = AuditLog.open(tmp_path / "audit").verify()
    assert report.holds, report.problems
    released, denied = (answer.headers["x-decision-id"] for answer in (answers[-1], refused))
    story = audit("show", released, tmp_path / "audit").stdout
    assert story.count("proven: under the signed checkpoint") == 2
    assert "the model's answer was given to the client" in story
    assert "data_stale: data_version stale is" in audit("show", denied, tmp_path / "audit").stdout
    proof = tmp_path / "proof.json"
    proof.write_text(audit("prove", released, tmp_path / "audit").stdout)
    alone = audit("verify", "--proof", proof, "--public-key", tmp_path / "audit.pub", "--json", cwd=REPOSITORY)
    assert [record["kind"] for record in json.loads(alone.stdout)["records"]] == ["INTENT", "OUTCOME"]


def test_a_clean_stop_leaves_everything_signed(tmp_path: Path) -> None:
    with recording_server() as upstream, sidecar(tmp_path, upstream.url) as running:
        running.infer(PATH, BODY)
        assert running.stop() == 0
    shown = audit("verify", tmp_path / "audit")
    assert (shown.returncode, "  holds" in shown.stdout, "notice" in shown.stdout) == (0, True, False), shown.stdout
    records = [json.loads(line) for line in audit("export", tmp_path / "audit").stdout.splitlines()]
    assert records == list(AuditLog.open(tmp_path / "audit"))
    assert signed_size(tmp_path) == len(records)
