from __future__ import annotations

import multiprocessing
import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.secret_file import read_or_create

if TYPE_CHECKING:
    from pathlib import Path


def test_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "key"
    made = read_or_create(path, 48)
    assert (len(made), path.read_bytes()) == (48, made)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert read_or_create(path, 48) == made
    assert read_or_create(tmp_path / "other", 48) != made


def test_a_file_of_another_size_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    for size in (0, 31, 33):
        path.write_bytes(bytes(size))
        with pytest.raises(ValueError, match="does not hold exactly 32 bytes"):
            read_or_create(path, 32)
        assert path.read_bytes() == bytes(size)


def test_processes_that_start_together_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = pool.starmap(read_or_create, [(tmp_path / "key", 32)] * 16)
    assert set(made) == {(tmp_path / "key").read_bytes()}
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]
