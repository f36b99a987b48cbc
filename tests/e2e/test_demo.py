"""The demo as a user starts it, on both engines: it checks itself, and these tests check that it does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from sidecar.demo.calls import MISTAKES
from sidecar.policy.child import find_opa

pytestmark = pytest.mark.e2e

DEMO = [sys.executable, "-m", "sidecar", "demo"]
TIMEOUT_S = 120


def _demo(*arguments: str, root: Path) -> subprocess.CompletedProcess[str]:
    command = [*DEMO, "--dir", str(root), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def _running_in(root: Path) -> list[str]:
    """The command lines of all processes that name this demo's folder."""
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(root) in command:
            found.append(command)
    return found


@pytest.fixture(scope="module", params=["embedded", "opa"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    engine = request.param
    if engine == "opa" and find_opa() is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no OPA here: run scripts/install-opa")
    root = tmp_path_factory.mktemp(engine) / "demo"
    done = _demo("--engine", engine, "--requests", "300", "--json", root=root)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _running_in(root) == []
    return {"wanted_engine": engine, **json.loads(done.stdout)}


def test_all_agrees_and_every_call_is_accounted_for(found: dict[str, Any]) -> None:
    assert found["differences"] == []
    assert found["engine"] == found["wanted_engine"]
    assert found["sent"] == 300 == found["forwarded"] + found["refused"]
    assert sum(group["released"] for group in found["groups"]) == found["forwarded"]


def test_each_mistake_is_refused_for_its_own_reason(found: dict[str, Any]) -> None:
    refused = {told: refusal["codes"] for refusal in found["refusals"] for told in refusal["told"]}
    assert refused == {kind.told: [kind.expected] for kind in MISTAKES}


def test_predictions_out_of_band_are_in_shadow(found: dict[str, Any]) -> None:
    (would_deny,) = found["would_deny"]
    assert (would_deny["rule"], would_deny["code"]) == ("fairness_band", "score_out_of_band")
    assert would_deny["count"] == sum(group["out_of_band"] for group in found["groups"]) > 0


def test_the_decision_that_it_names_can_be_looked_up(found: dict[str, Any]) -> None:
    command = [sys.executable, "-m", "sidecar", "audit", "show", found["example_id"], found["audit_dir"]]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    assert shown.stdout.startswith(f"decision {found['example_id']}: infer of credit\n")
    assert "data_stale" in shown.stdout


def test_latency_was_measured(found: dict[str, Any]) -> None:
    latency = found["latency"]
    assert latency["pairs"] == 300
    assert 0 < latency["added_p50_ms"] <= latency["added_p99_ms"] + latency["direct_p99_ms"]


def test_people_see_tables(tmp_path: Path) -> None:
    done = _demo("--engine", "embedded", "--requests", "60", root=tmp_path / "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (
        "forwarded",
        "data_stale",
        "white",
        "p99",
        "audit show",
        "Checked:",
        "nothing is left running",
    ):
        assert text in done.stdout


def _signed_records(checkpoint: Path) -> int:
    """C2SP tlog-checkpoint: origin, size, root."""
    return int(checkpoint.read_text().splitlines()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    root = tmp_path / "demo"
    command = [*DEMO, "--engine", "embedded", "--dir", str(root), "--requests", "100000"]
    demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    deadline_s = time.monotonic() + TIMEOUT_S
    while not any(_signed_records(checkpoint) > 100 for checkpoint in root.glob("audit/*/ledger/checkpoint")):
        assert demo.poll() is None
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    os.kill(demo.pid, number)
    said, _ = demo.communicate(timeout=TIMEOUT_S)
    assert demo.returncode == 130, said
    assert "nothing is left running" in said
    assert _running_in(root) == []
