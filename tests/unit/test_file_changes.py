from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.file_changes import FileChanges
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

EVERY_S = 10.0


def _rewrite(path: Path) -> None:
    path.write_text("another")


def _replace(path: Path) -> None:
    new = path.with_suffix(".new")
    new.write_text("one")
    new.replace(path)


def _point_elsewhere(path: Path) -> None:
    """As a volume of Kubernetes changes."""
    (path.parent.parent / "second").mkdir()
    (path.parent.parent / "second" / path.name).write_text("one")
    link = path.parent.with_name("link.new")
    link.symlink_to("second")
    link.replace(path.parent)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file behind a link to its folder."""
    (tmp_path / "first").mkdir()
    (tmp_path / "first" / "file").write_text("one")
    (tmp_path / "link").symlink_to("first")
    return tmp_path / "link" / "file"


@pytest.mark.parametrize("change", [_rewrite, _replace, _point_elsewhere, lambda path: path.unlink()])
def test_a_change_is_told_once(path: Path, clock: FixedClock, change: Callable[[Path], None]) -> None:
    changes = FileChanges([path.with_name("other"), path], EVERY_S, clock.monotonic_s)
    clock.advance(EVERY_S)
    assert not changes.seen()
    change(path)
    clock.advance(EVERY_S)
    assert changes.seen()
    clock.advance(EVERY_S)
    assert not changes.seen()


def test_a_file_that_comes_is_a_change(path: Path, clock: FixedClock) -> None:
    missing = path.with_name("other")
    changes = FileChanges([missing, path], EVERY_S, clock.monotonic_s)
    missing.touch()
    clock.advance(EVERY_S)
    assert changes.seen()


def test_it_looks_no_more_often_than_it_is_told_to(path: Path, clock: FixedClock) -> None:
    changes = FileChanges([path], EVERY_S, clock.monotonic_s)
    path.unlink()
    clock.advance(EVERY_S - 0.1)
    assert not changes.seen()
    clock.advance(0.1)
    assert changes.seen()
