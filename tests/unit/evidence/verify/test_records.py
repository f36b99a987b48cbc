"""What the heads of whole records say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.ledger.frames import frame
from sidecar.ledger.reading import entries
from tests.unit.evidence.ledgers import Writer, event, record, verified

if TYPE_CHECKING:
    from pathlib import Path


def test_a_clock_that_jumps_back_is_a_notice_with_its_record(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(2)
    writer.clock.advance(-3_600)
    writer.exchanges(2)
    writer.close()
    report = verified(tmp_path / "audit")
    assert (report.holds, [(one.code, one.sequence) for one in report.findings]) == (True, [("clock_back", 4)])


def test_pairs_that_do_not_match_are_named(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.write(record(Kind.INTENT, 1), record(Kind.INTENT, 1), record(Kind.OUTCOME, 1), record(Kind.OUTCOME, 1))
    writer.write(record(Kind.OUTCOME, 2), event("stop"))
    writer.close()
    found = [(one.code, one.sequence) for one in verified(tmp_path / "audit").problems]
    assert found == [("intent_twice", 1), ("outcome_alone", 3), ("outcome_alone", 4)]


@pytest.mark.parametrize(
    ("record_change", "batch_first", "code"),
    [
        ((b'"kind":', b'"kynd":'), 10, "record_head"),
        ((b'"sequence":10,', b'"sequence":11,'), 10, "record_head"),
        ((b"", b""), 9, "record_batch"),
        ((b"", b""), 11, "record_batch"),
    ],
)
def test_a_whole_frame_that_no_sidecar_wrote_is_named(
    ledger: Path, audit_dir: Path, record_change: tuple[bytes, bytes], batch_first: int, code: str
) -> None:
    (entry,) = entries(ledger, 10, 11)
    forged = frame(10, batch_first, entry.record.replace(*record_change, 1))
    data = bytearray(entry.segment.read_bytes())
    data[entry.offset : entry.offset + len(forged)] = forged
    entry.segment.write_bytes(data)
    assert code in [one.code for one in verified(audit_dir).problems if one.sequence == 10]
