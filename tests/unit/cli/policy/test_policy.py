from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar.authoring import opa as room
from sidecar.authoring import workspace
from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path

VERBS = ["init", "check", "test", "build", "backtest", "publish", "status", "compose"]


def test_help_names_every_verb() -> None:
    shown = policy("--help")
    assert shown.exit_code == 0
    assert [verb for verb in VERBS if f"  {verb} " not in shown.output] == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples_and_exit_codes(verb: str) -> None:
    shown = policy(verb, "--help")
    assert shown.exit_code == 0
    assert ("Examples:" in shown.output, "Exit codes:" in shown.output) == (True, True)


@pytest.mark.parametrize("verb", ["check", "test"])
def test_without_opa_it_cannot_look(verb: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "find_opa", lambda: None)
    shown = policy(verb, root)
    assert (shown.exit_code, "run scripts/install-opa" in shown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "policy/a.rego"), "sidecar: [Errno 13] Permission denied"),
        (subprocess.TimeoutExpired(["opa"], 300), "sidecar: Command '['opa']' timed out"),
        (RuntimeError("a defect"), "RuntimeError: a defect"),
    ],
)
def test_what_ends_a_verb_otherwise_is_no_finding(
    error: Exception, told: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_: object) -> None:
        raise error

    monkeypatch.setattr(workspace, "load_modules", failing)
    shown = policy("check", root)
    assert (shown.exit_code, told in shown.stderr) == (2, True)
