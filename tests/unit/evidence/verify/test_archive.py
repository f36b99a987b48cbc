"""An archive: closed segments, tiles, every checkpoint that was sent."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.segments import segment_files
from tests.unit.evidence.ledgers import Writer, codes, verified

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """The shipper has sent three checkpoints and all segments but the newest."""
    writer, archived = Writer(tmp_path / "audit", segment_bytes=16_384), tmp_path / "archived"
    (archived / "checkpoints").mkdir(parents=True)
    for _ in range(3):
        writer.exchanges(60)
        writer.sign()
        shutil.copytree(writer.ledger_dir / "tile", archived / "tile", dirs_exist_ok=True)
        size = writer.ledger.appender.next_sequence
        shutil.copy(writer.ledger_dir / "checkpoint", archived / "checkpoints" / f"{size:020}")
    shutil.copy(writer.ledger_dir / "identity", archived)
    (archived / "records").mkdir()
    for path in segment_files(writer.ledger_dir)[:-1]:
        shutil.copy(path, archived / "records")
    writer.ledger.close()
    shutil.copy(tmp_path / "audit.pub", tmp_path / "archived.pub")
    return archived


def test_an_archive_holds_while_its_newest_records_are_with_the_sidecar(archive: Path) -> None:
    report = verified(archive)
    assert (report.holds, report.size, codes(report)) == (True, 360, ["records_elsewhere"])


def test_an_archive_of_a_running_sidecar_is_checked_up_to_where_it_can_be(archive: Path) -> None:
    """Neither the newest segment nor any unfinished tile is there yet."""
    for path in archive.glob("tile/**/*.p/*"):
        path.unlink()
    report = verified(archive)
    assert (report.holds, report.size, codes(report)) == (True, 240, ["not_yet_signed"])


def test_an_archive_that_has_only_begun_holds(archive: Path) -> None:
    shutil.rmtree(archive / "tile")
    shutil.rmtree(archive / "records")
    assert codes(verified(archive)) == []


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
