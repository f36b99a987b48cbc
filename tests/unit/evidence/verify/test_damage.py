"""Places in a segment where no good frame begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Findings
from sidecar.evidence.verify.damage import Examiner, Judged
from sidecar.evidence.verify.leaves import Leaves
from sidecar.evidence.verify.tree import SignedTree
from sidecar.ledger.frames import frame
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import segment_files
from tests.unit.evidence.ledgers import Writer, codes, frame_range, other_log, problems, verified

if TYPE_CHECKING:
    from pathlib import Path


def test_a_torn_tail_is_a_notice(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(20)
    writer.sign()
    used = writer.ledger.appender._flushed_bytes
    torn = frame(40, 40, b'{"v":1,"log":"x"}' + b"x" * 100)[:60]
    with segment_files(writer.ledger_dir)[-1].open("r+b") as file:
        file.seek(used)
        file.write(torn)
    report = verified(tmp_path / "audit")
    assert (report.holds, codes(report)) == (True, ["torn_tail"])
    assert (report.findings[0].sequence, report.findings[0].offset) == (40, used)
    writer.ledger.close()


def test_what_was_torn_off_below_the_checkpoint_is_a_problem(ledger: Path, audit_dir: Path) -> None:
    newest = segment_files(ledger)[-1]
    newest.write_bytes(newest.read_bytes()[:-5])
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.sequence, finding.file) == ("records_damaged", 400, f"records/{newest.name}")


def test_a_record_whose_time_cannot_be_read_is_placed_after_another(ledger: Path, audit_dir: Path) -> None:
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[: begin + 30] + bytes(40) + data[begin + 70 :])
    (finding,) = verified(audit_dir).problems
    assert finding.what.startswith(f"record 10 is damaged: bytes {begin} to {end - 1}, after a record of 2026-11-21 ")


def swap(path: Path, first: tuple[int, int], second: tuple[int, int]) -> None:
    """Exchanges two neighbouring ranges of bytes."""
    data = path.read_bytes()
    parts = [data[: first[0]], data[slice(*second)], data[slice(*first)], data[second[1] :]]
    path.write_bytes(b"".join(parts))


def test_records_in_another_order_are_named(ledger: Path, audit_dir: Path) -> None:
    path, first = frame_range(ledger, 10)
    _, second = frame_range(ledger, 11)
    swap(path, first, second)
    found = verified(audit_dir).problems
    assert [(one.code.value, one.sequence) for one in found] == [("records_missing", 10), ("record_repeated", 10)]


def test_a_record_that_stands_twice_is_named(ledger: Path, audit_dir: Path) -> None:
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[:end] + data[begin:end] + data[end:])
    found = verified(audit_dir).problems
    assert [(one.code.value, one.sequence, one.offset) for one in found] == [("record_repeated", 10, end)]


def test_a_record_cut_out_is_named(ledger: Path, audit_dir: Path) -> None:
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[:begin] + data[end:])
    found = verified(audit_dir).problems
    assert [(one.code.value, one.sequence, one.offset) for one in found] == [("records_missing", 10, begin)]


def test_bytes_between_records_are_named(ledger: Path, audit_dir: Path) -> None:
    path, (begin, _) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[:begin] + b"inserted" * 9 + data[begin:])
    found = verified(audit_dir).problems
    assert [(one.code.value, one.offset) for one in found] == [("bytes_inserted", begin)]


def test_the_zeros_behind_the_last_record_must_be_zeros(ledger: Path, audit_dir: Path) -> None:
    one, *_ = segment_files(ledger)
    with one.open("ab") as file:
        file.write(bytes(100))
    assert problems(audit_dir) == ["segment_unclosed"]


def test_what_was_added_behind_the_last_record_of_a_closed_segment_is_named(ledger: Path, audit_dir: Path) -> None:
    one, *_ = segment_files(ledger)
    end = one.stat().st_size
    with one.open("ab") as file:
        file.write(bytes(100) + b"added")
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.file, finding.offset) == ("tail_not_zero", f"records/{one.name}", end + 100)


def test_a_record_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    foreign = next(iter(entries(other_log(tmp_path), 10, 11)))
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[:begin] + frame(10, 10, foreign.record) + data[end:])
    assert problems(audit_dir)[0] == "record_foreign"


def test_a_frame_that_was_just_being_written_is_looked_at_once_more(tmp_path: Path) -> None:
    """The reader met its first half; by now it is whole."""
    writer = Writer(tmp_path / "audit")
    writer.exchanges(20)
    entry = list(entries(writer.ledger_dir))[-1]
    findings = Findings()
    leaves = Leaves(SignedTree(writer.ledger_dir, 0, EMPTY_ROOT, findings), None, findings)
    examiner = Examiner(writer.ledger.log_id, 0, leaves, findings)
    with entry.segment.open("rb") as file:
        judged = examiner.examine(file, entry.segment.name, entry.offset, entry.sequence, None, since_unix_ns=0)
    assert (judged, findings.kept) == (Judged(entry.offset, entry.sequence), [])
    writer.ledger.close()
