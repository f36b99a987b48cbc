"""What becomes of a whole log: each way to break one is found and named, and what is no breach is not."""

from __future__ import annotations

import base64
import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.evidence.folders import find_logs
from sidecar.evidence.verify.run import verify_log
from sidecar.ledger.frames import frame
from sidecar.ledger.keys import read_public
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.reading import entries
from sidecar.ledger.retention import Keep
from sidecar.ledger.segments import HEADER_BYTES, Header, segment_files
from tests.unit.evidence.ledgers import Writer, codes, event, record, verified, written

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def audit_dir(tmp_path: Path) -> Path:
    written(tmp_path / "audit", count=200, segment_bytes=16_384)
    return tmp_path / "audit"


@pytest.fixture
def ledger(audit_dir: Path) -> Path:
    return audit_dir / "0" / "ledger"


def problems(folder: Path) -> list[str]:
    return [finding.code.value for finding in verified(folder).problems]


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


def test_records_cut_off_at_the_end_are_missed(ledger: Path, audit_dir: Path) -> None:
    last = list(entries(ledger))[-1]
    last.segment.write_bytes(last.segment.read_bytes()[: last.offset])
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.sequence) == ("records_missing", 400)


def test_a_segment_that_is_gone_is_missed(ledger: Path, audit_dir: Path) -> None:
    one, two = segment_files(ledger)[1:3]
    one.unlink()
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.sequence) == ("records_missing", int(one.stem))
    assert f"{int(one.stem)} to {int(two.stem) - 1}" in finding.what


def test_a_record_whose_time_cannot_be_read_is_placed_after_another(ledger: Path, audit_dir: Path) -> None:
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[: begin + 30] + bytes(40) + data[begin + 70 :])
    (finding,) = verified(audit_dir).problems
    assert finding.what.startswith(f"record 10 is damaged: bytes {begin} to {end - 1}, after a record of 2026-11-21 ")


def test_no_segment_at_all_misses_everything(ledger: Path, audit_dir: Path) -> None:
    shutil.rmtree(ledger / "records")
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.what) == ("records_missing", "the records 0 to 400 were signed and are not here")


def swap(path: Path, first: tuple[int, int], second: tuple[int, int]) -> None:
    """Exchanges two neighbouring ranges of bytes."""
    data = path.read_bytes()
    parts = [data[: first[0]], data[slice(*second)], data[slice(*first)], data[second[1] :]]
    path.write_bytes(b"".join(parts))


def frame_range(ledger: Path, sequence: int) -> tuple[Path, tuple[int, int]]:
    one, two = list(entries(ledger, sequence, sequence + 2))
    return one.segment, (one.offset, two.offset)


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


def test_a_record_replaced_with_care_is_found_by_its_hash(ledger: Path, audit_dir: Path) -> None:
    entry = next(iter(entries(ledger, 10, 11)))
    changed = frame(10, 10, entry.record.replace(b"r-4", b"r-5"))
    data = bytearray(entry.segment.read_bytes())
    data[entry.offset : entry.offset + len(changed)] = changed
    entry.segment.write_bytes(data)
    found = verified(audit_dir).problems
    assert ("record_altered", 10) in [(one.code.value, one.sequence) for one in found]
    assert {one.sequence for one in found} == {10}


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


def other_log(tmp_path: Path) -> Path:
    """Its key is known: both logs could be those of one host."""
    ledger = written(tmp_path / "other", count=200, segment_bytes=16_384)
    with (tmp_path / "audit.pub").open("a") as file:
        file.write((tmp_path / "other.pub").read_text())
    return ledger


def test_a_segment_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    shutil.copy(segment_files(other_log(tmp_path))[1], segment_files(ledger)[1])
    assert problems(audit_dir) == ["segment_foreign", "records_missing"]


def test_a_checkpoint_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    shutil.copy(other_log(tmp_path) / "checkpoint", ledger / "checkpoint")
    assert problems(audit_dir)[0] == "checkpoint_foreign"


def test_a_record_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    foreign = next(iter(entries(other_log(tmp_path), 10, 11)))
    path, (begin, end) = frame_range(ledger, 10)
    data = path.read_bytes()
    path.write_bytes(data[:begin] + frame(10, 10, foreign.record) + data[end:])
    assert problems(audit_dir)[0] == "record_foreign"


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


def test_a_checkpoint_of_another_log_to_compare_with_is_named(audit_dir: Path, tmp_path: Path) -> None:
    against = (other_log(tmp_path) / "checkpoint").read_bytes()
    assert [one.code for one in verified(audit_dir, against=against).problems] == ["checkpoint_foreign"]


def test_a_log_whose_key_nobody_gave_does_not_hold(audit_dir: Path, tmp_path: Path) -> None:
    written(tmp_path / "other")
    (log,) = find_logs(audit_dir)
    report = verify_log(log, read_public(tmp_path / "other.pub"))
    assert [one.code for one in report.problems] == ["key_unknown", "key_unknown"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("checkpoint", ["checkpoint_missing"]),
        ("identity", ["identity_missing"]),
        ("tile/0/000", ["tile_missing"]),
        ("tile/0/001.p/145", ["tile_missing"]),
        ("tile/1/000.p/1", ["tile_missing"]),
    ],
)
def test_a_file_that_is_gone_is_missed(ledger: Path, audit_dir: Path, name: str, expected: list[str]) -> None:
    (ledger / name).unlink()
    assert problems(audit_dir) == expected


@pytest.mark.parametrize("name", ["note.txt", "records/1.seg", "tile/0/1", "tile/0/000.p/256", "tile/entries/000"])
def test_a_file_that_nobody_knows_is_named(ledger: Path, audit_dir: Path, name: str) -> None:
    (ledger / name).parent.mkdir(parents=True, exist_ok=True)
    (ledger / name).write_bytes(b"?")
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.file) == ("file_unknown", name)


def test_a_tile_of_no_state_of_the_log_is_named(ledger: Path, audit_dir: Path) -> None:
    (ledger / "tile/0/007").write_bytes(bytes(8_192))
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.file) == ("tile_unexpected", "tile/0/007")


def test_a_partial_tile_of_an_older_checkpoint_is_checked(ledger: Path, audit_dir: Path) -> None:
    older = ledger / "tile/0/001.p/3"
    older.write_bytes((ledger / "tile/0/001.p/145").read_bytes()[:96])
    assert codes(verified(audit_dir)) == []
    older.write_bytes(bytes(96))
    assert [(one.code, one.file) for one in verified(audit_dir).problems] == [("tile_damaged", "tile/0/001.p/3")]


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
