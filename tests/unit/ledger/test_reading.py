from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger import reading
from sidecar.ledger.frames import FrameScan
from sidecar.ledger.reading import entries, find, first_sequence, read_frame, record_mark
from sidecar.ledger.segments import HEADER_BYTES, Damaged, segment_files
from tests.unit.ledger.logs import SEGMENT_BYTES, Log, scratch

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

IDS = ["a" * 32, "b" * 32, "c" * 32]


@pytest.fixture(scope="module")
def log() -> Generator[Log]:
    """25 records in several segments; still written to."""
    with scratch() as folder:
        log = Log(folder)
        for _ in range(5):
            log.commit(*[100] * 5)
            log.sign()
        yield log
        log.close()


def sequences(ledger_dir: Path, *window: int) -> list[int]:
    return [entry.sequence for entry in entries(ledger_dir, *window)]


def test_entries_are_the_records_and_their_places(log: Log) -> None:
    found = list(entries(log.layout.ledger_dir))
    assert [entry.record for entry in found] == log.records
    assert len({entry.segment for entry in found}) >= 3
    assert [read_frame(entry.segment, entry.offset, entry.sequence) for entry in found] == log.records


@given(st.integers(0, 30), st.none() | st.integers(0, 30))
def test_a_window_of_entries(log: Log, start: int, stop: int | None) -> None:
    assert sequences(log.layout.ledger_dir, start, *([] if stop is None else [stop])) == list(range(25))[start:stop]


def test_a_window_reads_no_segment_that_it_does_not_need(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for _ in range(5):
        log.commit(*[100] * 5)
        log.sign()
    first, *_, last = segment_files(log.layout.ledger_dir)
    for spoilt in (first, last):
        spoilt.write_bytes(b"spoilt" + spoilt.read_bytes()[6:])
    begin, end = (int(path.stem) for path in (segment_files(log.layout.ledger_dir)[1], last))
    assert sequences(log.layout.ledger_dir, begin, end) == list(range(begin, end))
    log.close()


def test_an_empty_folder_and_an_empty_log_have_no_entries(tmp_path: Path) -> None:
    assert (list(entries(tmp_path)), first_sequence(tmp_path), find(tmp_path, IDS[0])) == ([], 0, [])
    log = Log(tmp_path)
    assert (list(entries(log.layout.ledger_dir)), first_sequence(log.layout.ledger_dir)) == ([], 0)
    log.close()


def test_records_that_retention_deleted_are_left_out(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for _ in range(5):
        log.commit(*[100] * 5)
        log.sign()
    gone, oldest, *_ = segment_files(log.layout.ledger_dir)
    gone.unlink()
    begin = int(oldest.stem)
    assert (sequences(log.layout.ledger_dir), first_sequence(log.layout.ledger_dir)) == (list(range(begin, 25)), begin)
    assert sequences(log.layout.ledger_dir, 0, begin) == []
    log.close()


def test_retention_while_somebody_reads(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for _ in range(5):
        log.commit(*[100] * 5)
        log.sign()
    reader = entries(log.layout.ledger_dir)
    seen = [next(reader).sequence]
    first, *others, last = segment_files(log.layout.ledger_dir)
    for path in (first, *others):
        path.unlink()
    seen += [entry.sequence for entry in reader]
    begin = int(last.stem)
    assert seen == [*range(int(others[0].stem)), *range(begin, 25)]
    log.close()


def test_a_reader_follows_the_writer(tmp_path: Path) -> None:
    log = Log(tmp_path)
    seen: list[bytes] = []
    for sizes in ([100], [100] * 3, [], [100] * 9, [1_000]):
        log.commit(*sizes)
        log.sign()
        seen += [entry.record for entry in entries(log.layout.ledger_dir, len(seen))]
        assert seen == log.records
    log.close()
    assert [entry.record for entry in entries(log.layout.ledger_dir)] == log.records


def test_a_torn_tail_ends_the_log_and_damage_does_not(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100, 100)
    second = list(entries(log.layout.ledger_dir))[1]
    log.commit(100)
    log.kill()
    content = bytearray(log.segment.read_bytes())
    third = list(entries(log.layout.ledger_dir))[2]
    torn = content.copy()
    torn[third.offset + 30] ^= 1
    log.segment.write_bytes(torn)
    assert sequences(log.layout.ledger_dir) == [0, 1]
    content[second.offset + 30] ^= 1
    log.segment.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        list(entries(log.layout.ledger_dir))
    assert (caught.value.path, caught.value.offset, caught.value.sequence, caught.value.what) == (
        log.segment,
        second.offset,
        1,
        "a frame's CRC-32C does not match, and records follow that were written later",
    )


@pytest.mark.parametrize("how", ["cut", "flipped", "zeroed"])
def test_no_tail_but_the_newest_segments_can_be_torn(tmp_path: Path, how: str) -> None:
    log = Log(tmp_path)
    for _ in range(4):
        log.commit(*[100] * 5)
        log.sign()
    log.close()
    older, newer = segment_files(log.layout.ledger_dir)[:2]
    content = bytearray(older.read_bytes())
    if how == "cut":
        content = content[: content.rindex(b'{"v":1') - 24]
    elif how == "flipped":
        content[-1] ^= 1
    else:
        content[-100:] = bytes(100)
    older.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        list(entries(log.layout.ledger_dir))
    lost = int(newer.stem) - 1
    assert (caught.value.path, caught.value.sequence) == (older, lost)
    if how == "cut":
        assert caught.value.what == f"it ends before record {lost}, and the next segment begins with {lost + 1}"


def test_a_frame_that_is_just_being_written_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the scan and the second look the writer finishes this commit and two more."""
    log = Log(tmp_path)
    log.commit(100)
    scans = 0

    class Interrupted(FrameScan):
        def __init__(self, *where: object) -> None:
            nonlocal scans
            scans += 1
            super().__init__(*where)  # pyright: ignore[reportArgumentType]

        def __iter__(self) -> Generator:
            yield from super().__iter__()
            if scans == 1:
                self.problem = "a frame's CRC-32C does not match"
                log.commit(100)
                log.commit(100)

    monkeypatch.setattr(reading, "FrameScan", Interrupted)
    assert sequences(log.layout.ledger_dir) == [0]
    assert scans == 2
    assert sequences(log.layout.ledger_dir) == [0, 1, 2]
    log.close()


@given(at=st.integers(reading._CHUNK_BYTES - 80, reading._CHUNK_BYTES + 80))
def test_a_decision_is_found_where_two_chunks_meet(at: int) -> None:
    with scratch() as folder:
        log = Log(folder, segment_bytes=1 << 21)
        pad = at - HEADER_BYTES
        while pad > 65_000:
            log.commit(40_000)
            pad -= 40_000 + 26
        log.commit(max(100, pad - 100))
        record = record_mark(log.ledger.log_id) + b'"decision_id":"%s"}' % IDS[0].encode()
        log.appender.stage(record)
        log.appender.flush()
        assert [entry.record for entry in find(log.layout.ledger_dir, IDS[0])] == [record]
        log.close()


def test_a_decision_is_found_in_order_wherever_its_records_are(tmp_path: Path) -> None:
    log = Log(tmp_path)
    staged: list[bytes] = []
    for number in range(30):
        log.sign()
        mark = record_mark(log.ledger.log_id)
        staged.append(mark + b'"n":%d,"decision_id":"%s"}' % (number, IDS[number % 3].encode()))
        log.appender.stage(staged[-1])
        log.appender.flush()
        log.appender.absorb()
    assert len(segment_files(log.layout.ledger_dir)) > 2
    for number, decision_id in enumerate(IDS):
        found = find(log.layout.ledger_dir, decision_id)
        assert [entry.record for entry in found] == staged[number::3]
        assert [entry.sequence for entry in found] == list(range(number, 30, 3))
    assert find(log.layout.ledger_dir, "d" * 32) == []
    log.close()


def test_a_frame_that_is_gone_reads_as_none(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    assert read_frame(log.segment, HEADER_BYTES, 0) == log.records[0]
    assert read_frame(log.segment, HEADER_BYTES, 1) is None
    assert read_frame(log.segment, HEADER_BYTES + 1, 0) is None
    assert read_frame(log.segment, SEGMENT_BYTES, 0) is None
    log.close()
    log.segment.unlink()
    assert read_frame(log.segment, HEADER_BYTES, 0) is None
