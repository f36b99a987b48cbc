"""The demo as a user starts it, on both engines: it checks itself, and these tests check that it does."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.demo.calls import MISTAKES
from tests.e2e.demos import SIDECAR, TIMEOUT_S, processes_of, sidecar_command
from tests.process import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.demos import FinishedDemo

pytestmark = pytest.mark.heavy


@pytest.fixture
def found(finished_demo: FinishedDemo) -> dict[str, Any]:
    return finished_demo.printed


def test_all_agrees_and_every_call_is_accounted_for(finished_demo: FinishedDemo, found: dict[str, Any]) -> None:
    assert found["differences"] == []
    assert found["engine"] == finished_demo.engine
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
    shown = sidecar_command("audit", "show", found["example_id"], found["audit_dir"])
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith(f"decision {found['example_id']}: infer of credit\n")
    assert "data_stale" in shown.stdout


def test_the_real_data_does_not_trigger_and_the_skewed_model_is_throttled_and_released(found: dict[str, Any]) -> None:
    credit, skewed = found["fairness"]["models"]
    assert (credit["model"], credit["state"], credit["moments"]) == ("credit", "ok", [])
    assert (skewed["model"], skewed["limit"]) == ("credit-skewed", 1.5)
    moments = [moment["what"] for moment in skewed["moments"]]
    assert moments == ["warned", "certain", "armed", "released"]
    assert found["fairness"]["throttled"] > 0


def test_a_picture_of_both_models_is_left(finished_demo: FinishedDemo, found: dict[str, Any]) -> None:
    assert found["fairness"]["plot"] == str(finished_demo.root / "fairness.png")
    assert (finished_demo.root / "fairness.png").read_bytes().startswith(b"\x89PNG")


def test_the_report_on_fairness_can_be_had_again_from_the_log(found: dict[str, Any]) -> None:
    shown = sidecar_command("audit", "report", "--fairness", found["audit_dir"], "--json")
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout)["models"] == found["fairness"]["models"]


def test_latency_was_measured(found: dict[str, Any]) -> None:
    latency = found["latency"]
    assert latency["pairs"] == 300
    assert 0 < latency["added_p50_ms"] <= latency["added_p99_ms"] + latency["direct_p99_ms"]


def test_people_see_tables(tmp_path: Path) -> None:
    done = sidecar_command("demo", "--dir", tmp_path / "demo", "--engine", "embedded", "--requests", 60)
    assert done.returncode == 0, done.stdout + done.stderr
    for text in (
        "forwarded",
        "data_stale",
        "white",
        "p99",
        "synthetic",
        "throttled it",
        "audit report --fairness",
        "audit show",
        "Checked:",
        "nothing is left running",
    ):
        assert text in done.stdout


def is_at_work(root: Path) -> bool:
    """C2SP tlog-checkpoint: origin, size, root."""
    checkpoints = root.glob("audit/*/ledger/checkpoint")
    return any(int(checkpoint.read_text().splitlines()[1]) > 100 for checkpoint in checkpoints)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_in_the_middle_it_leaves_nothing_running(number: signal.Signals, tmp_path: Path) -> None:
    root = tmp_path / "demo"
    command = [*SIDECAR, "demo", "--engine", "embedded", "--dir", str(root), "--requests", "100000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as demo:
        try:
            wait_until(lambda: demo.poll() is not None or is_at_work(root), TIMEOUT_S)
            demo.send_signal(number)
            said, _ = demo.communicate(timeout=TIMEOUT_S)
        finally:
            demo.kill()
    assert demo.returncode == 130, said
    assert "nothing is left running" in said
    assert processes_of(root) == []
