from __future__ import annotations

from typing import TYPE_CHECKING

from click.testing import CliRunner

from sidecar.cli.registry import command
from sidecar.cli.registry.serve import command as serve
from sidecar.registry.serving.settings import RegistrySettings

if TYPE_CHECKING:
    from pathlib import Path


def test_every_setting_is_a_flag_with_its_text() -> None:
    told = " ".join(CliRunner().invoke(serve, ["--help"]).output.split())
    for name, field in RegistrySettings.model_fields.items():
        assert "--" + name.replace("_", "-") + " " in told
        assert " ".join(str(field.description).split()) in told
    assert "Examples: sidecar registry token" in told


def test_bad_settings_are_told_at_once(tmp_path: Path) -> None:
    result = CliRunner().invoke(serve, ["--listen", "x", "--waiters", "none", "--config", str(tmp_path / "none.yaml")])
    assert (result.exit_code, result.output.count("sidecar: ")) == (2, 1)
    result = CliRunner().invoke(serve, ["--listen", "x", "--waiters", "many", "--open-reads"])
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.output.splitlines()] == ["--listen", "--waiters"]


def test_a_start_that_is_refused_exits_2_with_every_problem(tmp_path: Path) -> None:
    flags = ["--tokens", str(tmp_path / "none.yaml"), "--database", "mysql://x/y", "--signing-key", "none.pem"]
    flags += ["--listen", "127.0.0.1:0"]
    result = CliRunner().invoke(serve, flags)
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.output.splitlines()] == ["--tokens", "--signing-key", "--database"]


def test_the_group_lists_its_verbs() -> None:
    assert command.list_commands(None) == [  # type: ignore[arg-type]
        *("serve", "migrate", "token", "opa-config", "import", "export", "refresh-means", "proposals"),
    ]
    for verb in ("serve", "migrate", "token", "opa-config"):
        assert CliRunner().invoke(command, [verb, "--help"]).exit_code == 0
