from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence import AuditLog
from sidecar.evidence.export import NotExported
from sidecar.ledger.keys import read_public
from sidecar.ledger.retention import Keep
from tests.unit.evidence.ledgers import Writer, archived, without_partial_tiles, written

if TYPE_CHECKING:
    from pathlib import Path


def bundled(path: Path) -> list[bytes]:
    """C2SP tlog-tiles: each entry behind its length in two bytes."""
    data, found = path.read_bytes(), []
    while data:
        (length,) = struct.unpack_from(">H", data)
        found.append(data[2 : 2 + length])
        data = data[2 + length :]
    return found


def test_a_site_has_the_logs_tiles_and_records(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit", count=200)
    log, site = AuditLog.open(tmp_path / "audit"), tmp_path / "site"
    told: list[tuple[int, int]] = []
    assert log.export_tlog(site, lambda done, total: told.append((done, total))) == 401
    assert told == [(256, 401), (401, 401)]
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    tiles = {path.relative_to(ledger).as_posix() for path in ledger.rglob("tile/**/*") if path.is_file()}
    entries = ["tile/entries/000", "tile/entries/001.p/145"]
    assert names == {"checkpoint", *tiles, *entries}
    assert [(site / name).read_bytes() for name in sorted(tiles)] == [
        (ledger / name).read_bytes() for name in sorted(tiles)
    ]
    assert [record for name in entries for record in bundled(site / name)] == list(log.records())
    assert (site / "checkpoint").read_bytes() == (ledger / "checkpoint").read_bytes()
    assert read_public(tmp_path / "audit.pub")[0].name == (site / "checkpoint").read_text().splitlines()[0]


def test_a_site_goes_to_a_new_folder(tmp_path: Path) -> None:
    written(tmp_path / "audit")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine").touch()
    with pytest.raises(FileExistsError, match="is not empty: name a new folder"):
        AuditLog.open(tmp_path / "audit").export_tlog(tmp_path / "site")


def test_a_log_without_its_oldest_records_is_no_site(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", keep=Keep(age_s=1e9, size_bytes=40_000))
    writer.exchanges(400)
    writer.close()
    with pytest.raises(NotExported, match="retention deleted the older ones"):
        AuditLog.open(tmp_path / "audit").export_tlog(tmp_path / "site")


def test_records_that_were_not_signed_are_no_site(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(3)
    writer.sign()
    note = (writer.ledger_dir / "checkpoint").read_text()
    (writer.ledger_dir / "checkpoint").write_text(note.replace("\n6\n", "\n5\n"))
    with pytest.raises(NotExported, match="not those that were signed"):
        AuditLog.open(tmp_path / "audit").export_tlog(tmp_path / "site")
    writer.ledger.close()


def test_a_site_of_an_archive_has_the_records_that_are_there(tmp_path: Path) -> None:
    """Its newest checkpoint covers records that are still with the sidecar."""
    archive = without_partial_tiles(archived(tmp_path))
    assert AuditLog.open(archive).export_tlog(tmp_path / "site") == 240
    assert (tmp_path / "site" / "checkpoint").read_bytes() == (archive / "checkpoints" / f"{240:020}").read_bytes()


def test_without_a_checkpoint_there_is_no_site(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit")
    (ledger / "checkpoint").write_text("origin\nmany\n")
    with pytest.raises(NotExported, match="is not a checkpoint"):
        AuditLog.open(tmp_path / "audit").export_tlog(tmp_path / "site")
    (ledger / "checkpoint").unlink()
    with pytest.raises(NotExported, match="no checkpoint"):
        AuditLog.open(tmp_path / "audit").export_tlog(tmp_path / "site")
