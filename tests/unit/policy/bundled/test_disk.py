from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.bundled.disk import Disk

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_kept_is_read_again_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"
    Disk(folder).keep("data", 9, b"one")
    Disk(folder).keep("data", 10, b"two")
    assert Disk(folder).read("data", 3) == b"two"
    assert [path.name for path in folder.iterdir()] == ["data@10.tar.gz"]
    assert stat.S_IMODE((folder / "data@10.tar.gz").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_no_worker_lays_an_older_one_over_a_newer_one(tmp_path: Path) -> None:
    Disk(tmp_path).keep("data", 10, b"two")
    Disk(tmp_path).keep("data", 9, b"one")
    assert Disk(tmp_path).read("data", 3) == b"two"
    Disk(tmp_path).keep("data", 11, b"six")
    assert [path.name for path in tmp_path.iterdir()] == ["data@11.tar.gz"]


def test_bundles_are_kept_apart_and_without_a_sequence_the_latest_counts(tmp_path: Path) -> None:
    for name, content in (("a", b"one"), ("a.b", b"two"), ("a", b"six")):
        Disk(tmp_path).keep(name, None, content)
    assert [Disk(tmp_path).read(name, 3) for name in ("a", "a.b", "b")] == [b"six", b"two", None]


def test_of_what_was_never_kept_there_is_nothing(tmp_path: Path) -> None:
    assert Disk(tmp_path).read("data", 3) is None


def test_a_file_beyond_its_limit_is_not_read_to_its_end(tmp_path: Path) -> None:
    Disk(tmp_path).keep("data", 1, b"0123456789")
    assert Disk(tmp_path).read("data", 3) == b"0123"


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Disk(tmp_path / "file").keep("data", 1, b"one")
    with pytest.raises(NotADirectoryError):
        Disk(tmp_path / "file").read("data", 3)
