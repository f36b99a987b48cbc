from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from sidecar.cli.registry.token import command
from sidecar.registry.access.callers import Caller, Role
from sidecar.registry.access.token_file import read

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def run(path: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["--tokens", str(path), *arguments])


def test_each_token_is_printed_once_and_let_in(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yaml"
    first = run(path, "--subject", "ana", "--role", "steward", "--role", "engineer", "--person")
    second = run(path, "--subject", "sidecars", "--role", "engine")
    tokens = [first.output.strip(), second.output.strip()]
    assert [(each.digest, each.caller) for each in read(path)] == [
        (hashlib.sha256(tokens[0].encode()).digest(), Caller("ana", frozenset({Role.STEWARD, Role.ENGINEER}), True)),
        (hashlib.sha256(tokens[1].encode()).digest(), Caller("sidecars", frozenset({Role.ENGINE}))),
    ]
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_is_in_the_file_stays_as_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text("# of the credit team\n" + f'- {{sha256: "{"0" * 64}", subject: bo, roles: [reader]}}')
    before = path.read_text()
    assert run(path, "--subject", "ana", "--role", "admin").exit_code == 0
    assert path.read_text().startswith(before + "\n- {sha256: ")


@pytest.mark.parametrize("content", ['[{"sha256": "x"}]', "a: 1", "- {sha256: x}"])
def test_a_file_of_another_form_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "tokens.yaml"
    path.write_text(content)
    result = run(path, "--subject", "ana", "--role", "admin")
    assert (result.exit_code, path.read_text()) == (2, content)
    assert "nothing was changed" in result.output


@pytest.mark.parametrize(
    "arguments", [["--subject", "ana"], ["--role", "boss", "--subject", "ana"], ["--role", "admin"]]
)
def test_who_and_what_must_be_said(tmp_path: Path, arguments: list[str]) -> None:
    assert run(tmp_path / "tokens.yaml", *arguments).exit_code == 2
    assert not (tmp_path / "tokens.yaml").exists()
