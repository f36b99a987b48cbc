"""The node of the test cluster: volumes whose files change all at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.kubernetes.node.atomic_files import AtomicFiles, FileContent

if TYPE_CHECKING:
    from pathlib import Path


def test_a_version_replaces_the_one_before_it_as_a_whole(tmp_path: Path) -> None:
    files = AtomicFiles(tmp_path)
    files.write({"a": FileContent(b"1", 0o600), "sub/b": FileContent(b"2", 0o644)})
    first = os.readlink(tmp_path / "..data")
    assert {path: (tmp_path / path).read_bytes() for path in ("a", "sub/b")} == {"a": b"1", "sub/b": b"2"}
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o600
    files.write({"a": FileContent(b"1", 0o600), "sub/b": FileContent(b"2", 0o644)})
    assert os.readlink(tmp_path / "..data") == first
    files.write({"c": FileContent(b"3", 0o644)})
    second = os.readlink(tmp_path / "..data")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["..data", second, "c"])
    assert (tmp_path / "c").read_bytes() == b"3"
    files.write({})
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith("..")] == []
