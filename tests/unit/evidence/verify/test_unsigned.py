"""Tiles ahead of the newest checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.evidence.ledgers import Writer, codes, verified

if TYPE_CHECKING:
    from pathlib import Path


def test_tiles_written_before_the_checkpoint_that_needs_them_are_checked_too(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(100)
    writer.sign()
    early = (writer.ledger_dir / "checkpoint").read_bytes()
    writer.exchanges(100)
    writer.close()
    (writer.ledger_dir / "checkpoint").write_bytes(early)
    assert codes(verified(tmp_path / "audit")) == ["not_yet_signed"]
    for name, at in (("tile/0/000", 255 * 32), ("tile/0/001.p/144", 0), ("tile/1/000.p/1", 31)):
        path = writer.ledger_dir / name
        good = path.read_bytes()
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        (finding,) = verified(tmp_path / "audit").problems
        assert (finding.code, finding.file, finding.offset) == ("tile_damaged", name, at)
        path.write_bytes(good)


def test_a_tile_of_no_state_of_the_log_is_named(ledger: Path, audit_dir: Path) -> None:
    (ledger / "tile/0/007").write_bytes(bytes(8_192))
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.file) == ("tile_unexpected", "tile/0/007")
