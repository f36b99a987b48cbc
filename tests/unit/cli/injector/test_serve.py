from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.injector.serving.settings import InjectorSettings
from tests.unit.cli.injector.calls import run

if TYPE_CHECKING:
    from pathlib import Path


def test_every_setting_is_a_flag_with_its_text() -> None:
    told = " ".join(run("injector", "serve", "--help").output.split())
    for name, field in InjectorSettings.model_fields.items():
        assert "--" + name.replace("_", "-") + " " in told
        assert " ".join(str(field.description).split()).replace("- ", "-") in told.replace("- ", "-")
    assert "--certificates files|self-managed" in told
    assert "Examples: sidecar injector serve" in told


def test_bad_settings_are_told_at_once() -> None:
    shown = run("injector", "serve", "--listen", "x", "--admin", "y")
    assert shown.exit_code == 2
    assert [line.split(": ")[1] for line in shown.stderr.splitlines()] == [
        *("--config", "--listen", "--admin", "--certificate-dir"),
    ]


def test_a_start_that_is_refused_exits_2_with_every_problem(tmp_path: Path) -> None:
    flags = ["--config", str(tmp_path / "none"), "--certificate-dir", str(tmp_path), "--listen", "127.0.0.1:0"]
    shown = run("injector", "serve", *flags, "--admin", "192.0.2.1:1")
    assert shown.exit_code == 2
    assert [line.split(": ")[1] for line in shown.stderr.splitlines()] == [
        *("--config", "--admin 192.0.2.1:1", "--certificate-dir"),
    ]


def test_the_group_lists_its_verbs() -> None:
    for verb in ("serve", "explain", "init", "rotate"):
        assert f"  {verb} " in run("injector", "--help").output
        assert "Examples:" in run("injector", verb, "--help").output
