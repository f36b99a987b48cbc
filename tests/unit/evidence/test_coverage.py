from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from sidecar.evidence import AuditLog
from sidecar.evidence.prove import check_proof
from sidecar.ledger.keys import read_public
from tests.unit.evidence.ledgers import Writer, archived, decision_id, without_partial_tiles, written

if TYPE_CHECKING:
    from pathlib import Path


def covered(folder: Path, number: int) -> list[tuple[str, int, str]]:
    """Kind, sequence and words of each record of one decision."""
    return [(one.kind, one.sequence, one.text) for one in AuditLog.open(folder).coverage(decision_id(number))]


def test_records_under_the_checkpoint_are_proven(tmp_path: Path) -> None:
    written(tmp_path / "audit", count=200)
    told = "proven: under the signed checkpoint of 401 records"
    assert covered(tmp_path / "audit", 1) == [("INTENT", 3, told), ("OUTCOME", 4, told)]


def test_newer_records_are_not(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(2)
    writer.sign()
    writer.exchanges(1)
    told = "NOT PROVEN: the newest checkpoint covers 4 records, and this one is newer"
    assert covered(tmp_path / "audit", 2) == [("INTENT", 4, told), ("OUTCOME", 5, told)]
    writer.ledger.close()


def test_without_a_checkpoint_nothing_is_proven(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit")
    (ledger / "checkpoint").unlink()
    assert {text for _, _, text in covered(tmp_path / "audit", 1)} == {"NOT PROVEN: the log has no checkpoint"}


def test_a_record_that_was_replaced_is_not_proven(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit")
    other = written(tmp_path / "other")
    (ledger / "checkpoint").write_bytes((other / "checkpoint").read_bytes())
    assert {text.partition(":")[0] for _, _, text in covered(tmp_path / "audit", 1)} == {"NOT PROVEN"}


def test_a_tile_that_is_gone_is_made_from_its_records(tmp_path: Path) -> None:
    ledger = written(tmp_path / "audit", count=200)
    (ledger / "tile/0/000").unlink()
    assert all(text.startswith("proven") for _, _, text in covered(tmp_path / "audit", 1))


def test_an_archive_proves_what_is_in_it(tmp_path: Path) -> None:
    """Its newest checkpoint cannot be checked; the one before can, though not all of its tiles are there."""
    archive = without_partial_tiles(archived(tmp_path))
    told = "proven: under the signed checkpoint of 240 records"
    assert [text for _, _, text in covered(archive, 1)] == [told, told]
    document = AuditLog.open(archive).prove(decision_id(100))
    keys = read_public(tmp_path / "archived.pub")
    assert [record["kind"] for record in check_proof(orjson.dumps(document), keys)] == ["INTENT", "OUTCOME"]
