from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.cli.policy.calls import policy

if TYPE_CHECKING:
    from pathlib import Path


def test_it_starts_a_repository_once(tmp_path: Path) -> None:
    shown = policy("init", tmp_path / "new")
    count = sum(path.is_file() for path in (tmp_path / "new").rglob("*"))
    assert (shown.exit_code, shown.output) == (0, f"{tmp_path / 'new'}: {count} files; start with README.md\n")
    assert count > 50
    again = policy("init", tmp_path / "new")
    assert (again.exit_code, again.stderr) == (2, f"sidecar: {tmp_path / 'new'} is not empty: name a new folder\n")
