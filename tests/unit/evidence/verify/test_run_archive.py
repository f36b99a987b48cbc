"""Verifying an archive: closed segments, tiles, every checkpoint that was sent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.unit.evidence.ledgers import archived, codes, verified, without_partial_tiles

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return archived(tmp_path)


def test_an_archive_holds_while_its_newest_records_are_with_the_sidecar(archive: Path) -> None:
    report = verified(archive)
    assert (report.holds, report.size, codes(report)) == (True, 360, ["records_elsewhere"])


def test_an_archive_of_a_running_sidecar_is_checked_up_to_where_it_can_be(archive: Path) -> None:
    """Neither the newest segment nor any unfinished tile is there yet."""
    report = verified(without_partial_tiles(archive))
    assert (report.holds, report.size, codes(report)) == (True, 240, ["not_yet_signed"])


def test_an_archive_that_has_only_begun_holds(archive: Path) -> None:
    shutil.rmtree(archive / "tile")
    shutil.rmtree(archive / "records")
    report = verified(archive)
    assert (report.holds, codes(report)) == (True, ["records_elsewhere"])
    assert "the 360 records" in report.notices[0].what


def test_records_of_an_archive_that_no_checkpoint_proves_do_not_hold(archive: Path) -> None:
    for path in sorted((archive / "checkpoints").iterdir())[:-1]:
        path.unlink()
    report = verified(without_partial_tiles(archive))
    assert [(one.code, one.file) for one in report.problems] == [("checkpoint_missing", "checkpoints")]
    next((archive / "checkpoints").iterdir()).unlink()
    assert codes(verified(archive))[0] == "checkpoint_missing"


def test_a_checkpoint_under_another_size_is_named(archive: Path) -> None:
    first, second, _ = sorted((archive / "checkpoints").iterdir())
    shutil.copy(second, first)
    report = verified(archive)
    assert [(one.code, one.file) for one in report.problems] == [("checkpoint_invalid", f"checkpoints/{first.name}")]


def test_a_damaged_older_checkpoint_is_named(archive: Path) -> None:
    first, *_ = sorted((archive / "checkpoints").iterdir())
    first.write_bytes(first.read_bytes()[:-2] + b"A\n")
    assert [(one.code, one.file) for one in verified(archive).problems] == [
        ("checkpoint_invalid", f"checkpoints/{first.name}")
    ]


def test_a_damaged_partial_tile_of_an_older_checkpoint_is_named(archive: Path) -> None:
    tile = archive / "tile/0/000.p/120"
    tile.write_bytes(bytes(len(tile.read_bytes())))
    assert [(one.code, one.file) for one in verified(archive).problems] == [("tile_damaged", "tile/0/000.p/120")]
