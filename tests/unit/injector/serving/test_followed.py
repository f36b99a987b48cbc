from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from sidecar.injector.serving.followed import LOOK_S, ContentInvalid, Followed
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path


def number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError) as error:
        raise ContentInvalid([f"{path.name}: {type(error).__name__}"]) from None


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "number").write_text("1")
    return tmp_path / "number"


def test_a_change_is_seen_once_a_second(file: Path) -> None:
    clock = FixedClock()
    followed = Followed(file, number, clock)
    file.write_text("22")
    clock.advance(LOOK_S / 2)
    assert followed.value == 1
    clock.advance(LOOK_S / 2)
    assert followed.value == 22


def test_a_change_that_is_no_good_is_told_once_and_the_last_good_content_goes_on(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FixedClock()
    followed = Followed(file, number, clock)
    file.write_text("two")
    for _ in range(3):
        clock.advance(LOOK_S)
        assert (followed.value, followed.problems) == (1, ["number: ValueError; what it was before goes on"])
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    file.write_text("333")
    clock.advance(LOOK_S)
    assert (followed.problems, followed.value) == ([], 333)


def test_a_volume_changes_by_a_link_to_another_folder(tmp_path: Path) -> None:
    clock = FixedClock()
    for version in ("1", "2"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "number").write_text(version)
        os.utime(tmp_path / version / "number", (0, 0))
    (tmp_path / "..data").symlink_to("1")
    (tmp_path / "number").symlink_to("..data/number")
    followed = Followed(tmp_path / "number", number, clock)
    (tmp_path / "new").symlink_to("2")
    (tmp_path / "new").replace(tmp_path / "..data")
    clock.advance(LOOK_S)
    assert followed.value == 2


def test_a_file_that_goes_away_is_a_change_that_is_no_good(file: Path) -> None:
    clock = FixedClock()
    followed = Followed(file, number, clock)
    file.unlink()
    clock.advance(LOOK_S)
    assert (followed.value, len(followed.problems)) == (1, 1)


def test_a_first_content_that_is_no_good_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentInvalid, match="none: FileNotFoundError"):
        Followed(tmp_path / "none", number, FixedClock())
