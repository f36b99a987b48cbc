from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.opa_check import check_command, problems_told, write_files
from tests.policies import opa_binary

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("restricted", "code", "found"), [(False, 0, []), (True, 1, ["a.rego:3: undefined function time.now_ns"])]
)
def test_opa_takes_the_command(restricted: bool, code: int, found: list[str], tmp_path: Path) -> None:
    write_files(tmp_path, {"a.rego": "package a\n\np := time.now_ns()\n"})
    command = check_command(opa_binary(), restricted=restricted)
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (done.returncode, problems_told(done.stderr) if done.stderr else []) == (code, found)


@pytest.mark.parametrize(
    ("told", "lines"),
    [
        (
            b'{"errors":[{"message":"m","location":{"file":"a.rego","row":3}},{"message":"n"}]}',
            ["a.rego:3: m", "?:?: n"],
        ),
        (b"plain\n words", ["plain words"]),
        (b'{"errors":[1]}', ['{"errors":[1]}']),
        (b"", ["`opa check` failed"]),
    ],
)
def test_what_opa_check_tells(told: bytes, lines: list[str]) -> None:
    assert problems_told(told) == lines


def test_texts_are_written_as_they_are(tmp_path: Path) -> None:
    write_files(tmp_path / "new", {"a/b.rego": "package b\r\n"})
    assert (tmp_path / "new/a/b.rego").read_bytes() == b"package b\r\n"
