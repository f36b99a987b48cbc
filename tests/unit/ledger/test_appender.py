from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.frames import FRAME_LIMIT_BYTES, HEAD_BYTES, FrameScan
from sidecar.ledger.reading import entries, read_frame
from sidecar.ledger.segments import HEADER_BYTES, read_header, segment_files
from tests.unit.ledger.faulty import Fail, FaultyFiles
from tests.unit.ledger.logs import SEGMENT_BYTES, Log, root_of, scratch

if TYPE_CHECKING:
    from pathlib import Path

ROOM = SEGMENT_BYTES - HEADER_BYTES - HEAD_BYTES
"""The longest record that a segment of these tests can hold."""


def faulty(folder: Path) -> FaultyFiles:
    return FaultyFiles(folder / "audit" / "0" / "draft")


@given(st.lists(st.lists(st.integers(60, ROOM), min_size=1, max_size=3), max_size=12))
def test_records_go_where_stage_says_and_segments_follow_each_other(commits: list[list[int]]) -> None:
    with scratch() as folder:
        log = Log(folder)
        places: list[tuple[int, int]] = []
        for sizes in commits:
            for size in sizes:
                log.notary.reserve(log.appender)
                places.append(log.appender.stage(log.record(len(places), size)))
            log.appender.flush()
            log.appender.absorb()
        found = list(entries(log.layout.ledger_dir))
        assert [(int(entry.segment.stem), entry.offset) for entry in found] == places
        assert [read_frame(log.layout.segment(first), at, n) for n, (first, at) in enumerate(places)] == [
            entry.record for entry in found
        ]
        for path in segment_files(log.layout.ledger_dir):
            header = read_header(path)
            assert header.root == root_of(entry.record for entry in found[: header.first])
            assert (header.log_id, header.keep_from) == (log.ledger.log_id, header.first)
            assert path.stat().st_size <= SEGMENT_BYTES
        assert log.appender.tree.root() == root_of(entry.record for entry in found)
        log.close()


def test_each_frame_tells_which_commit_wrote_it(tmp_path: Path) -> None:
    log = Log(tmp_path)
    for sizes in ([60, 60], [60], [60, 60, 60]):
        log.commit(*sizes)
    with log.segment.open("rb") as file:
        found = [(each.sequence, each.batch_first) for each in FrameScan(file, HEADER_BYTES, 0)]
    assert found == [(0, 0), (1, 0), (2, 2), (3, 3), (4, 3), (5, 3)]
    log.close()


def test_a_commit_that_goes_over_into_the_next_segment(tmp_path: Path) -> None:
    """Its first part is durable before the next segment begins, so that one begins a commit of its own."""
    log = Log(tmp_path)
    log.commit(60, ROOM - 500, 600)
    last = segment_files(log.layout.ledger_dir)[-1]
    assert read_header(last).first == 2
    with last.open("rb") as file:
        assert [(each.sequence, each.batch_first) for each in FrameScan(file, HEADER_BYTES, 2)] == [(2, 2)]
    assert [entry.record for entry in entries(log.layout.ledger_dir)] == log.records
    log.close()


def test_nothing_is_on_disk_before_the_flush(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.appender.stage(log.record(0))
    assert (list(entries(log.layout.ledger_dir)), log.appender.tree.size, log.appender.next_sequence) == ([], 0, 1)
    log.appender.flush()
    assert ([entry.sequence for entry in entries(log.layout.ledger_dir)], log.appender.tree.size) == ([0], 0)
    log.appender.absorb()
    assert log.appender.tree.size == 1
    log.close()


def test_a_segment_says_from_where_a_start_must_read(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.appender.oldest_open = lambda: 1
    log.commit(60, 60, ROOM - 100)
    assert read_header(segment_files(log.layout.ledger_dir)[-1]).keep_from == 1
    log.close()


def test_a_closed_segment_ends_with_its_last_frame(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    assert log.segment.stat().st_size == SEGMENT_BYTES
    end = log.appender._used_bytes
    log.commit(ROOM - 10)
    first, second = segment_files(log.layout.ledger_dir)
    assert (first.stat().st_size, second.stat().st_size) == (end, SEGMENT_BYTES)
    log.close()
    assert second.stat().st_size == HEADER_BYTES + HEAD_BYTES + len(log.records[-1])
    log.appender.close()  # a second time does nothing


def test_what_was_staged_and_not_flushed_is_not_kept_at_the_end(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.appender.stage(log.record(1))
    log.close()
    again = Log(tmp_path)
    assert again.records == log.records
    again.close()


def test_slots_count_the_largest_records_that_certainly_fit(tmp_path: Path) -> None:
    size = HEADER_BYTES + 3 * FRAME_LIMIT_BYTES
    log = Log(tmp_path, segment_bytes=size)
    assert log.appender.slots == 6
    log.commit(60)
    assert log.appender.slots == 5
    log.appender.has_reserve = False
    assert log.appender.slots == 2
    log.close()


def test_slots_hold_what_they_promise(tmp_path: Path) -> None:
    log = Log(tmp_path, segment_bytes=HEADER_BYTES + 2 * FRAME_LIMIT_BYTES + 500)
    log.commit(1_000)
    for left in range(log.appender.slots, 0, -1):
        assert log.appender.slots == left
        log.appender.stage(b"x" * 65_535)
    assert log.appender.slots == 0
    log.appender.flush()
    log.close()


def test_a_full_segment_without_a_reserve_is_an_error(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.appender.has_reserve = False
    log.commit(ROOM)
    with pytest.raises(OSError, match="the segment is full, and no other is reserved"):
        log.appender.stage(log.record(1))
    log.close()
    again = Log(tmp_path)
    assert again.records == log.records
    again.close()


@pytest.mark.parametrize(("before", "after"), [(4_000, 1_500), (1_500, 4_000)])
def test_another_segment_size_holds_from_the_next_segment_on(tmp_path: Path, before: int, after: int) -> None:
    log = Log(tmp_path, segment_bytes=before)
    while log.appender._used_bytes < before - 300:
        log.commit(100)
    log.close()
    again = Log(tmp_path, segment_bytes=after)
    while len(segment_files(log.layout.ledger_dir)) < 3:
        again.commit(100)
        again.notary.reserve(again.appender)
    middle = segment_files(log.layout.ledger_dir)[1]
    assert after - 200 < middle.stat().st_size <= after
    again.close()


@pytest.mark.parametrize("call", ["write", "open", "move", "truncate"])
def test_a_rotation_that_fails_keeps_what_was_acknowledged(tmp_path: Path, call: str) -> None:
    files = faulty(tmp_path)
    log = Log(tmp_path, files)
    log.commit(100, 100)
    fault = Fail(files, lambda each: each.name == call)
    with pytest.raises(OSError, match="Input/output error"):
        log.commit(ROOM)
    fault.is_on = False
    log.close()
    again = Log(tmp_path)
    assert again.records == log.records
    again.commit(ROOM)
    again.close()


def test_a_write_that_fails_leaves_no_part_of_its_commit_behind(tmp_path: Path) -> None:
    """Half of it reached the disk; nobody was told, and the end of the process cuts it off."""
    files = faulty(tmp_path)
    log = Log(tmp_path, files)
    log.commit(100)
    log.appender.stage(log.record(1))
    framed = b"".join(log.appender._staged)
    with log.segment.open("r+b") as file:
        file.seek(log.appender._flushed_bytes)
        file.write(framed[:70])
    Fail(files, lambda each: each.name == "write", errno.EIO)
    with pytest.raises(OSError, match="Input/output error"):
        log.appender.flush()
    log.close()
    assert [entry.record for entry in entries(log.layout.ledger_dir)] == log.records
    assert os.path.getsize(log.segment) == HEADER_BYTES + HEAD_BYTES + len(log.records[0])
