"""What a start makes of a folder: it loses nothing that was acknowledged, or refuses and leaves all as it is."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.reading import entries
from sidecar.ledger.segments import HEADER_BYTES, segment_files
from tests.unit.ledger.logs import Log, assert_goes_on, assert_refused, assert_whole, grown, root_of, scratch

if TYPE_CHECKING:
    from pathlib import Path

sizes = st.lists(st.integers(60, 900), min_size=1, max_size=6)
commits = st.lists(sizes, max_size=4)


@given(commits=commits, last=sizes, is_signed=st.booleans(), block=st.sampled_from([1, 64, 512, 4_096]), data=st.data())
def test_a_crash_at_any_byte_of_a_commit(
    commits: list[list[int]], last: list[int], is_signed: bool, block: int, data: st.DataObject
) -> None:
    """Of the last commit some blocks have reached the disk, in any order; the others are as they were: zero."""
    with scratch() as folder:
        log = Log(folder, segment_bytes=1 << 15)
        for each in commits:
            log.commit(*each)
        if is_signed:
            log.sign()
        before, acknowledged = log.segment.read_bytes(), list(log.records)
        log.commit(*last)
        after, staged = log.segment.read_bytes(), log.records[len(acknowledged) :]
        log.kill()
        begin = _first_difference(before, after)
        touched = range(begin // block, -(-len(after.rstrip(b"\0")) // block))
        old = (
            data.draw(st.sets(st.sampled_from(touched), max_size=20))
            if block > 1
            else set(touched[_cut(data, touched) :])
        )
        torn = bytearray(after)
        for number in old:
            torn[number * block : (number + 1) * block] = before[number * block : (number + 1) * block]
        log.segment.write_bytes(torn)
        again = Log(folder, segment_bytes=1 << 15)
        assert_whole(again, acknowledged, staged)
        if torn == after:
            assert again.records == acknowledged + staged
        assert_goes_on(again, folder)


def _cut(data: st.DataObject, touched: range) -> int:
    return data.draw(st.integers(0, len(touched)))


def _first_difference(before: bytes, after: bytes) -> int:
    return next(at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new)


@given(commits=commits.filter(bool), last=sizes, data=st.data())
def test_garbage_in_place_of_the_last_commit(commits: list[list[int]], last: list[int], data: st.DataObject) -> None:
    with scratch() as folder:
        log = Log(folder, segment_bytes=1 << 15)
        for each in commits:
            log.commit(*each)
        end, acknowledged = log.appender._used_bytes, list(log.records)
        log.commit(*last)
        log.kill()
        at = data.draw(st.integers(end, log.appender._used_bytes - 1))
        garbage = data.draw(st.binary(min_size=1, max_size=300))
        content = bytearray(log.segment.read_bytes())
        content[at : at + len(garbage)] = garbage
        log.segment.write_bytes(content)
        again = Log(folder, segment_bytes=1 << 15)
        assert_whole(again, acknowledged, log.records[len(acknowledged) :])
        assert_goes_on(again, folder)


@given(
    head=commits.filter(bool),
    tail=commits.filter(bool),
    is_signed=st.booleans(),
    is_closed=st.booleans(),
    data=st.data(),
)
def test_what_was_acknowledged_and_followed_up_cannot_change(
    head: list[list[int]], tail: list[list[int]], is_signed: bool, is_closed: bool, data: st.DataObject
) -> None:
    """A later commit, or a checkpoint, tells damage from a torn tail; a start then changes nothing."""
    with scratch() as folder:
        log = Log(folder, segment_bytes=1 << 15)
        for each in head:
            log.commit(*each)
        end = log.appender._used_bytes
        if is_signed:
            log.sign()
        if not is_signed or data.draw(st.booleans()):
            for each in tail:
                log.commit(*each)
        log.close() if is_closed else log.kill()
        content = bytearray(log.segment.read_bytes())
        at = data.draw(st.integers(0, end - 1))
        width = data.draw(st.integers(1, 40))
        content[at : min(at + width, end)] = bytes(
            (byte ^ data.draw(st.integers(1, 255))) for byte in content[at : min(at + width, end)]
        )
        log.segment.write_bytes(content)
        assert_refused(folder, "is damaged at byte")


@pytest.mark.parametrize("gone", ["none", "all tiles", "one tile", "a forged tile"])
def test_the_tree_is_the_same_whether_or_not_the_tiles_are_there(tmp_path: Path, gone: str) -> None:
    """Tiles spare a start the reading of old records; without them it reads on from the beginning."""
    log = grown(tmp_path)
    log.close()
    tiles = [path for path in (log.layout.ledger_dir / "tile").rglob("*") if path.is_file()]
    if gone == "all tiles":
        shutil.rmtree(log.layout.ledger_dir / "tile")
    elif gone == "one tile":
        tiles[0].unlink()
    elif gone == "a forged tile":
        tiles[0].write_bytes(bytes(len(tiles[0].read_bytes())))
    again = Log(tmp_path)
    assert_whole(again, log.records, [])
    oldest_read = again.recalled[0][0]
    assert (oldest_read == 0) == (gone != "none")
    assert_goes_on(again, tmp_path)


def test_without_tiles_a_log_whose_first_segments_are_gone_is_refused(tmp_path: Path) -> None:
    log = grown(tmp_path)
    log.close()
    oldest = segment_files(log.layout.ledger_dir)
    oldest[0].unlink()
    shutil.rmtree(log.layout.ledger_dir / "tile")
    assert_refused(tmp_path, f"the tiles do not give the tree that {oldest[1].name} continues")


def test_a_log_without_its_first_segments_goes_on(tmp_path: Path) -> None:
    log = grown(tmp_path)
    log.close()
    gone, oldest, *_ = segment_files(log.layout.ledger_dir)
    gone.unlink()
    again = Log(tmp_path)
    assert again.records == log.records[int(oldest.stem) :]
    assert again.appender.tree.root() == root_of(log.records)
    again.commit(100)
    again.sign()
    again.close()
    third = Log(tmp_path)
    assert third.appender.tree.root() == root_of([*log.records, again.records[-1]])
    third.close()


def test_each_record_that_is_read_again_is_told_with_its_place(tmp_path: Path) -> None:
    log = grown(tmp_path)
    log.close()
    again = Log(tmp_path)
    places = {
        entry.sequence: (entry.sequence, (int(entry.segment.stem), entry.offset), entry.record)
        for entry in entries(log.layout.ledger_dir)
    }
    oldest = again.recalled[0][0]
    assert again.recalled == [places[sequence] for sequence in range(oldest, len(log.records))]
    again.close()


@pytest.mark.parametrize("open_since", [0, 5, 17])
def test_a_start_reads_again_from_the_oldest_open_exchange(tmp_path: Path, open_since: int) -> None:
    log = Log(tmp_path)
    log.appender.oldest_open = lambda: open_since
    while len(segment_files(log.layout.ledger_dir)) < 5:
        log.commit(*[100] * 4)
        log.sign()
    log.kill()
    again = Log(tmp_path)
    segments = [int(path.stem) for path in segment_files(log.layout.ledger_dir)]
    assert again.recalled[0][0] == max(first for first in segments if first <= open_since)
    assert [sequence for sequence, _, _ in again.recalled][-1] == len(log.records) - 1
    again.close()


def test_a_torn_tail_is_cut_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Log(tmp_path)
    log.commit(100)
    end = log.appender._used_bytes
    log.kill()
    content = bytearray(log.segment.read_bytes())
    content[end : end + 50] = b"\xff" * 50
    log.segment.write_bytes(content)
    again = Log(tmp_path)
    assert f"cutting off at byte {end} what a crash left of a commit" in caplog.text
    caplog.clear()
    again.kill()
    assert not any(again.segment.read_bytes()[end:])
    last = Log(tmp_path)
    assert "cutting off" not in caplog.text
    last.close()
    assert last.segment.stat().st_size == end > HEADER_BYTES


def test_a_signed_record_is_never_taken_for_a_torn_one(tmp_path: Path) -> None:
    log = Log(tmp_path)
    log.commit(100)
    log.sign()
    log.kill()
    content = bytearray(log.segment.read_bytes())
    content[log.appender._used_bytes - 1] ^= 1
    log.segment.write_bytes(content)
    assert_refused(tmp_path, "a frame's CRC-32C does not match, in a record that was signed")
