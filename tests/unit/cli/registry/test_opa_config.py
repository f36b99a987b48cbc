from __future__ import annotations

from pathlib import Path

import yaml
from click.testing import CliRunner

from sidecar.cli.registry.opa_config import command
from sidecar.registry.shelf.opa_config import Registry, configuration
from tests.keys import public_pem, verifying_key


def arguments(folder: Path, url: str = "https://registry.example/") -> list[str]:
    (folder / "key.pub.pem").write_bytes(public_pem())
    keys = ["--public-key", str(folder / "key.pub.pem"), "--policy-key", str(folder / "key.pub.pem")]
    return ["--url", url, *keys]


def test_it_prints_yaml_with_keys_as_blocks(tmp_path: Path) -> None:
    result = CliRunner().invoke(command, [*arguments(tmp_path), "--token-file", "/run/token"])
    assert result.exit_code == 0
    registry = Registry("https://registry.example", Path("/run/token"))
    assert yaml.safe_load(result.output) == configuration(registry, verifying_key(), verifying_key())
    assert "    key: |\n      -----BEGIN PUBLIC KEY-----\n" in result.output


def test_problems_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    bad = str(tmp_path / "bad.pem")
    result = CliRunner().invoke(command, ["--url", "https://x", "--public-key", bad, "--policy-key", bad])
    assert result.exit_code == 2
    assert [line.split(": ")[1] for line in result.output.splitlines()] == ["--public-key", "--policy-key"]
    assert CliRunner().invoke(command, arguments(tmp_path, "registry:8095")).exit_code == 2
