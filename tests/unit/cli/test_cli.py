from __future__ import annotations

import copy
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sidecar.cli import main
from sidecar.policy.binding import installed
from sidecar.settings import Settings
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.lab import DATA, REGO, infer, lab
from tests.process import wait_until

VERBS = ["run", "check", "demo", "audit", "policy", "registry", "inject", "injector", "version"]


def sidecar(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments), catch_exceptions=False)


def test_help_names_every_verb_and_where_to_start() -> None:
    shown = sidecar("--help")
    assert shown.exit_code == 0
    assert [verb for verb in VERBS if f"  {verb} " not in shown.output] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    assert sidecar(verb, "--help").exit_code == 0


def test_the_first_process_of_a_container_can_be_ended_while_it_starts() -> None:
    """The kernel gives such a process no default action: without a handler SIGTERM would be lost."""
    slow = (
        "import os, time, sidecar.cli as cli; os.getpid = lambda: 1; cli.main.get_command = lambda *_: time.sleep(60)"
    )
    inside = [sys.executable, "-c", f"{slow}; print('begun', flush=True); cli.main(['run'])"]
    with subprocess.Popen(inside, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"begun\n"
        wait_until(lambda: _handles(process.pid, signal.SIGTERM))
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 128 + signal.SIGTERM


def _handles(pid: int, number: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("verb", ["run", "check"])
def test_every_setting_is_a_flag(verb: str) -> None:
    shown = sidecar(verb, "--help").output
    assert "Examples:" in shown
    assert [name for name in Settings.model_fields if f"--{name.replace('_', '-')} " not in shown] == []


def test_bad_usage_exits_2_with_every_problem() -> None:
    shown = sidecar("run", "--listen", "nowhere", "--workers", "0")
    assert shown.exit_code == 2
    lines = shown.output.splitlines()
    assert [word for word in ("--upstream", "--server", "--listen", "--workers") if word not in shown.output] == []
    assert all(line.startswith("sidecar: ") for line in lines)


def flags(tmp_path: Path, data: object = DATA) -> list[str]:
    (tmp_path / "data.json").write_text(json.dumps(data))
    return [
        *("--upstream", "http://127.0.0.1:1", "--server", "mlserver", "--engine", "embedded"),
        *("--data", str(tmp_path / "data.json"), "--audit-dir", str(tmp_path / "audit")),
        *("--consent-keys", str(Issuer().write_jwks(tmp_path / "jwks.json"))),
        *("--consent-issuer", ISSUER, "--consent-audience", AUDIENCE),
    ]


def test_check_says_what_is_enforced(tmp_path: Path) -> None:
    shown = sidecar("check", *flags(tmp_path))
    assert (shown.exit_code, shown.output.startswith("good: policy ")) == (0, True)
    assert "model credit: provenance enforce, staleness enforce" in shown.output


def test_check_lists_every_problem_and_exits_2(tmp_path: Path) -> None:
    shown = sidecar("check", *flags(tmp_path, {"models": {}, "nonsense": 1}), "--json")
    assert shown.exit_code == 2
    assert any("nonsense" in problem for problem in json.loads(shown.output)["problems"])


@pytest.mark.parametrize("finding", ["rule nonsense, which no guard has", "staleness.request is absent"])
def test_check_exits_1_where_requests_would_be_refused(tmp_path: Path, finding: str) -> None:
    data = copy.deepcopy(DATA)
    root = tmp_path / "rego"
    shutil.copytree(REGO, root)
    if "nonsense" in finding:
        data["models"]["credit"]["rules"]["nonsense"] = "enforce"
    else:
        shutil.rmtree(root / "guards" / "staleness")
    shown = sidecar("check", *flags(tmp_path, data), "--policy", str(root))
    assert (shown.exit_code, finding in shown.output) == (1, True)


def test_version_names_the_engines() -> None:
    shown = json.loads(sidecar("version", "--json").output)
    assert list(shown) == ["sidecar", "python", "opa", "regorus"]
    assert shown["regorus"] == str(installed())


@pytest.mark.anyio
async def test_audit_shows_one_decision_and_exports_all(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.call(infer())
        await it.call(infer(x_data_version="stale"))
        records = it.records()
    exported = sidecar("audit", "export", str(tmp_path / "audit")).output.splitlines()
    assert [json.loads(line) for line in exported] == records
    refused = records[-1]["decision_id"]
    story = sidecar("audit", "show", refused, str(tmp_path / "audit")).output
    assert "REFUSAL" in story
    assert "data_stale: data_version stale is " in story
    assert sidecar("audit", "show", "0" * 32, str(tmp_path / "audit")).exit_code == 1


def test_compose_writes_and_checks(tmp_path: Path) -> None:
    root = tmp_path / "rego"
    shutil.copytree(REGO, root)
    assert sidecar("policy", "compose", str(root), "--check").exit_code == 0
    (root / "sidecar" / "composed.rego").write_text("package sidecar\n")
    assert sidecar("policy", "compose", str(root), "--check").exit_code == 1
    assert sidecar("policy", "compose", str(root)).exit_code == 0
    assert sidecar("policy", "compose", str(root), "--check").exit_code == 0
