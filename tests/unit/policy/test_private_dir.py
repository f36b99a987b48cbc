from __future__ import annotations

import os
import stat
import tempfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.private_dir import LOCK_NAME, PREFIX, PrivateDir, remove_stale

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_nobody_else_may_look_and_nothing_is_left(tmp_path: Path) -> None:
    directory = PrivateDir()
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    (directory.path / "opa.sock").touch()
    directory.close()
    assert list(tmp_path.iterdir()) == []


def test_what_a_dead_process_left_is_removed_and_what_is_in_use_stays(tmp_path: Path) -> None:
    used = PrivateDir()
    left = tmp_path / f"{PREFIX}left"
    left.mkdir()
    (left / LOCK_NAME).touch()
    (left / "opa.sock").touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / LOCK_NAME).touch()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    (tmp_path / f"{PREFIX}begun").mkdir()
    remove_stale()
    assert {path.name for path in tmp_path.iterdir()} == {
        used.path.name,
        "elsewhere",
        f"{PREFIX}link",
        f"{PREFIX}begun",
    }
    assert os.listdir(elsewhere) == [LOCK_NAME]
    used.close()


def test_processes_that_come_and_go_at_once_leave_each_other_alone() -> None:
    """Each start looks through what others are making and removing just then."""

    def come_and_go() -> None:
        for _ in range(200):
            remove_stale()
            directory = PrivateDir()
            (directory.path / "opa.sock").touch()
            remove_stale()
            assert sorted(os.listdir(directory.path)) == [LOCK_NAME, "opa.sock"]
            directory.close()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(come_and_go) for _ in range(4)]:
            done.result()


def test_of_another_kind_nothing_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "sidecar-other-left"
    left.mkdir()
    (left / LOCK_NAME).touch()
    remove_stale()
    assert left.exists()
    remove_stale("sidecar-other-")
    assert not left.exists()
