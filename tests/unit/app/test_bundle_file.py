from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.app.bundle_file import BundleFile

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_read_is_what_was_written_last(tmp_path: Path) -> None:
    audit_dir = tmp_path / "var" / "audit"
    file = BundleFile(audit_dir)
    assert file.read() is None
    file.replace(b"one")
    file.replace(b"two")
    assert BundleFile(audit_dir).read() == b"two"
    assert [path.name for path in audit_dir.iterdir()] == ["bundles.json"]
    assert (audit_dir / "bundles.json").stat().st_mode & 0o777 == 0o600


def test_what_is_there_and_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bundles.json").mkdir()
    with pytest.raises(IsADirectoryError):
        BundleFile(tmp_path).read()
