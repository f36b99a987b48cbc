"""What becomes of a whole log: what is a breach is found and named, and what is none is not."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.reading import entries
from sidecar.ledger.retention import Keep
from sidecar.ledger.segments import HEADER_BYTES, segment_files
from tests.unit.evidence.ledgers import Writer, codes, record, verified

if TYPE_CHECKING:
    from pathlib import Path


def test_a_closed_log_holds_and_says_what_it_is(audit_dir: Path, ledger: Path) -> None:
    report = verified(audit_dir)
    note = (ledger / "checkpoint").read_text().splitlines()
    assert (report.holds, report.first, report.records, report.size) == (True, 0, 401, 401)
    assert (note[1], note[2]) == ("401", base64.b64encode(report.root or b"").decode())
    assert note[0].endswith(f"/{report.log_id}")
    assert report.read_bytes == sum(path.stat().st_size - HEADER_BYTES for path in segment_files(ledger))


@pytest.mark.parametrize("place", [".", "0", "0/ledger"])
def test_an_audit_folder_a_slot_and_a_ledger_are_the_same_log(audit_dir: Path, place: str) -> None:
    assert verified(audit_dir / place).log_id == verified(audit_dir).log_id


def test_progress_ends_with_everything(audit_dir: Path) -> None:
    told: list[tuple[int, int]] = []
    verified(audit_dir, tick=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1][0] <= told[-1][1]


def test_an_empty_log_that_was_signed_holds(tmp_path: Path) -> None:
    Writer(tmp_path / "audit").close()
    report = verified(tmp_path / "audit")
    assert (report.holds, report.size, report.root, report.records) == (True, 0, EMPTY_ROOT, 0)


def test_a_log_that_is_being_written_holds(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", segment_bytes=16_384)
    writer.exchanges(200)
    writer.sign()
    assert codes(verified(tmp_path / "audit")) == []
    writer.exchanges(100)
    writer.write(record(Kind.INTENT, 999))
    assert codes(verified(tmp_path / "audit")) == ["not_yet_signed", "still_open"]
    writer.close()


def test_records_cut_off_at_the_end_are_missed(ledger: Path, audit_dir: Path) -> None:
    last = list(entries(ledger))[-1]
    last.segment.write_bytes(last.segment.read_bytes()[: last.offset])
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.sequence) == ("records_missing", 400)


def test_no_segment_at_all_misses_everything(ledger: Path, audit_dir: Path) -> None:
    shutil.rmtree(ledger / "records")
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.what) == ("records_missing", "the records 0 to 400 were signed and are not here")


def test_a_log_put_back_to_an_older_state_shows_against_a_later_checkpoint(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(10)
    writer.sign()
    earlier = (writer.ledger_dir / "checkpoint").read_bytes()
    shutil.copytree(tmp_path / "audit", tmp_path / "backup")
    writer.exchanges(10)
    writer.close()
    later = (writer.ledger_dir / "checkpoint").read_bytes()
    shutil.copy(tmp_path / "audit.pub", tmp_path / "backup.pub")
    assert codes(verified(tmp_path / "audit", against=earlier)) == []
    (finding,) = verified(tmp_path / "backup", against=later).problems
    assert (finding.code, finding.sequence) == ("log_rolled_back", 20)


def test_a_log_whose_past_was_replaced_shows_against_an_older_checkpoint(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(10)
    writer.close()
    shutil.copytree(tmp_path / "audit", tmp_path / "fork")
    first = Writer(tmp_path / "audit")
    first.exchanges(10, told="one story")
    first.close()
    told = (first.ledger_dir / "checkpoint").read_bytes()
    shutil.rmtree(tmp_path / "audit")
    shutil.copytree(tmp_path / "fork", tmp_path / "audit")
    second = Writer(tmp_path / "audit")
    second.exchanges(20, told="another story")
    second.close()
    assert verified(tmp_path / "audit").holds
    assert [one.code for one in verified(tmp_path / "audit", against=told).problems] == ["history_rewritten"]


def test_a_partial_tile_of_an_older_checkpoint_is_checked(ledger: Path, audit_dir: Path) -> None:
    older = ledger / "tile/0/001.p/3"
    older.write_bytes((ledger / "tile/0/001.p/145").read_bytes()[:96])
    assert codes(verified(audit_dir)) == []
    older.write_bytes(bytes(96))
    assert [(one.code, one.file) for one in verified(audit_dir).problems] == [("tile_damaged", "tile/0/001.p/3")]


def test_a_log_after_retention_says_from_where_it_is_here(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", segment_bytes=16_384, keep=Keep(age_s=1e9, size_bytes=40_000))
    writer.exchanges(400)
    writer.close()
    first = int(segment_files(writer.ledger_dir)[0].stem)
    report = verified(tmp_path / "audit")
    assert (report.holds, codes(report), report.first) == (True, ["oldest_deleted"], first)
    assert first > 256
    assert not (writer.ledger_dir / "tile/0/000").exists()


def test_many_findings_are_counted_and_some_are_listed(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    for number in range(150):
        writer.write(record(Kind.OUTCOME, number))
    writer.close()
    report = verified(tmp_path / "audit")
    assert (len(report.problems), report.hidden) == (100, {"outcome_alone": 50})


def test_a_past_that_retention_deleted_does_not_pass_as_compared(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit", segment_bytes=16_384, keep=Keep(age_s=1e9, size_bytes=40_000))
    older: dict[int, bytes] = {}
    for count in (10, 118, 272):
        writer.exchanges(count)
        writer.sign()
        older[writer.ledger.appender.next_sequence] = (writer.ledger_dir / "checkpoint").read_bytes()
    writer.clock.advance(100)
    writer.close()
    found = {
        size: [one.code for one in verified(tmp_path / "audit", against=note).problems] for size, note in older.items()
    }
    assert found == {20: ["history_unknown"], 256: [], 800: []}
