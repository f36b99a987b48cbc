from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.issuer import Issuer
from tests.unit.cli.injector.calls import run

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = ["--namespace", "policy-system", "--name", "policy", "--guard", "models"]
FILES = {"secrets.yaml", "values.yaml", "policy.pem", "admin.token", "engineer.token", "steward.token"}


def test_files_are_for_their_owner_alone_and_the_next_commands_are_told(tmp_path: Path) -> None:
    out = tmp_path / "keys"
    shown = run("injector", "init", *FLAGS, "--out", str(out))
    modes = {path.name: path.stat().st_mode & 0o777 for path in out.iterdir()}
    assert (shown.exit_code, modes) == (0, dict.fromkeys(FILES, 0o600) | {"values.yaml": 0o644})
    assert out.stat().st_mode & 0o777 == 0o700
    assert f"kubectl apply -f {out}/secrets.yaml" in shown.stdout
    assert f"--namespace policy-system --values {out}/values.yaml" in shown.stdout
    assert "kubectl label namespace models model-policy-sidecar.io/guard=labelled" in shown.stdout


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "keys"
    run("injector", "init", *FLAGS, "--out", str(out))
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = run("injector", "init", *FLAGS, "--out", str(out))
    assert (again.exit_code, "choose another folder" in again.stderr) == (2, True)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert "is no folder" in run("injector", "init", *FLAGS, "--out", str(out / "policy.pem")).stderr


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "jwks.json").write_text("{}")
    flags = ["--namespace", "Policy", "--name", "n" * 53, "--guard", "a_b", "--guard", "Policy", "--secret", "-"]
    shown = run("injector", "init", *flags, "--consent-keys", str(tmp_path / "jwks.json"), "--out", str(tmp_path))
    told = [line.split(": ")[1] for line in shown.stderr.splitlines()]
    assert shown.exit_code == 2
    assert told == ["--namespace", "--guard", "--guard", "--secret", "--name", "--guard", "--consent-keys", "--out"]
    assert {path.name for path in tmp_path.iterdir()} == {"jwks.json"}


@pytest.mark.parametrize("missing", range(0, 6, 2))
def test_whose_keys_they_are_must_be_said(tmp_path: Path, missing: int) -> None:
    flags = [*FLAGS[:missing], *FLAGS[missing + 2 :]]
    assert run("injector", "init", *flags, "--out", str(tmp_path / "keys")).exit_code == 2


def test_keys_of_consent_go_to_the_guards(tmp_path: Path) -> None:
    keys = Issuer().write_jwks(tmp_path / "jwks.json")
    out = tmp_path / "keys"
    assert run("injector", "init", *FLAGS, "--consent-keys", str(keys), "--out", str(out)).exit_code == 0
    assert "jwks.json: " in (out / "secrets.yaml").read_text()
