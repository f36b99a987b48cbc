"""Segments in their order."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.segments import HEADER_BYTES, Header, segment_files
from tests.unit.evidence.ledgers import Writer, other_log, problems, verified

if TYPE_CHECKING:
    from pathlib import Path


def test_a_segment_that_is_gone_is_missed(ledger: Path, audit_dir: Path) -> None:
    one, two = segment_files(ledger)[1:3]
    one.unlink()
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.sequence) == ("records_missing", int(one.stem))
    assert f"{int(one.stem)} to {int(two.stem) - 1}" in finding.what


def test_a_segment_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    shutil.copy(segment_files(other_log(tmp_path))[1], segment_files(ledger)[1])
    assert problems(audit_dir) == ["segment_foreign", "records_missing"]


def test_a_segment_that_was_copied_is_named(ledger: Path, audit_dir: Path) -> None:
    one = segment_files(ledger)[1]
    shutil.copy(one, one.with_name(f"{int(one.stem) + 5:020}.seg"))
    assert problems(audit_dir) == ["segment_misplaced", "segment_misplaced"]


def test_a_segment_of_an_older_state_of_the_log_is_named(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", segment_bytes=16_384)
    writer.exchanges(60)
    writer.close()
    shutil.copytree(writer.ledger_dir, tmp_path / "then")
    shutil.rmtree(tmp_path / "audit")
    shutil.copytree(tmp_path / "then", writer.ledger_dir)
    again = Writer(tmp_path / "audit", segment_bytes=16_384)
    again.number = 500
    again.exchanges(60)
    again.close()
    assert verified(tmp_path / "audit").holds
    oldest = segment_files(again.ledger_dir)[-1]
    header = Header.unpack(oldest.read_bytes()[:HEADER_BYTES])
    forged = Header(header.log_id, header.first, header.keep_from, EMPTY_ROOT)
    oldest.write_bytes(forged.pack() + oldest.read_bytes()[HEADER_BYTES:])
    (finding,) = verified(tmp_path / "audit").problems
    assert (finding.code, finding.file, finding.offset) == ("tree_differs", f"records/{oldest.name}", 40)
