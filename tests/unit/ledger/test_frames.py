from __future__ import annotations

import io
import struct
from itertools import accumulate

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.frames import (
    FRAME_LIMIT_BYTES,
    HEAD_BYTES,
    RECORD_LIMIT_BYTES,
    Frame,
    FrameScan,
    frame,
    is_followed_up,
)

MARK = b'{"v":1,"log":"'
START = 7
"""The first sequence."""
OFFSET = 5
"""Where the frames begin."""

records = st.lists(st.binary(min_size=1, max_size=80), max_size=12)


def framed(contents: list[bytes]) -> list[bytes]:
    """Frames of one commit each."""
    return [frame(START + number, START + number, record) for number, record in enumerate(contents)]


def scanned(data: bytes) -> tuple[list[Frame], FrameScan]:
    scan = FrameScan(io.BytesIO(bytes(OFFSET) + data), OFFSET, START)
    return list(scan), scan


def ends(frames: list[bytes]) -> list[int]:
    return list(accumulate(map(len, frames), initial=OFFSET))


def test_a_frame_byte_by_byte() -> None:
    covered = struct.pack("<IQQ", 3, 258, 256) + b"abc"
    assert frame(258, 256, b"abc") == struct.pack("<I", crc32c(covered)) + covered
    assert (HEAD_BYTES, FRAME_LIMIT_BYTES, RECORD_LIMIT_BYTES) == (24, 65_559, 65_535)


@pytest.mark.parametrize("size", [0, RECORD_LIMIT_BYTES + 1])
def test_a_record_that_no_frame_can_hold_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match=f"a record of {size} bytes: it must have 1 to 65535"):
        frame(0, 0, bytes(size))


@given(records, st.integers(0, 200))
def test_what_was_framed_is_read_up_to_the_zeros(contents: list[bytes], zeros: int) -> None:
    frames = framed(contents)
    found, scan = scanned(b"".join(frames) + bytes(zeros))
    expected = [
        Frame(begin, START + number, START + number, record)
        for number, (begin, record) in enumerate(zip(ends(frames), contents, strict=False))
    ]
    assert (found, scan.end, scan.problem) == (expected, ends(frames)[-1], None)


def test_records_of_the_largest_size_are_read_across_chunks() -> None:
    contents = [bytes([number + 1]) * RECORD_LIMIT_BYTES for number in range(40)]
    found, scan = scanned(b"".join(framed(contents)) + bytes(1 << 21))
    assert ([each.record for each in found], scan.problem) == (contents, None)


@given(records.filter(bool), st.data())
def test_a_scan_ends_before_a_frame_that_was_cut(contents: list[bytes], data: st.DataObject) -> None:
    frames = framed(contents)
    whole = b"".join(frames)
    cut = data.draw(st.integers(0, len(whole)))
    found, scan = scanned(whole[:cut])
    kept = sum(end <= OFFSET + cut for end in ends(frames)) - 1
    assert ([each.record for each in found], scan.end) == (contents[:kept], ends(frames)[kept])
    assert (scan.problem is None) == (scan.end == OFFSET + cut)


@given(records.filter(bool), st.integers(0, 100), st.data())
def test_a_flipped_bit_ends_the_scan_at_its_frame(contents: list[bytes], zeros: int, data: st.DataObject) -> None:
    frames = framed(contents)
    spoilt = bytearray(b"".join(frames) + bytes(zeros))
    at = data.draw(st.integers(0, sum(map(len, frames)) - 1))
    spoilt[at] ^= 1 << data.draw(st.integers(0, 7))
    found, scan = scanned(bytes(spoilt))
    kept = sum(end <= OFFSET + at for end in ends(frames)) - 1
    assert ([each.record for each in found], scan.end) == (contents[:kept], ends(frames)[kept])
    assert scan.problem is not None


@given(records, st.integers(0, 60), st.integers(1, 255))
def test_zeros_end_the_frames_only_if_nothing_follows(contents: list[bytes], zeros: int, byte: int) -> None:
    frames = framed(contents)
    found, scan = scanned(b"".join(frames) + bytes(zeros) + bytes([byte]))
    assert (len(found), scan.end, scan.problem is None) == (len(contents), ends(frames)[-1], False)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (bytes(HEAD_BYTES) + b"x", "zeros stand where a frame is due"),
        (frame(START, START, b"abc")[:23], "a frame's head is cut off"),
        (frame(START, START, b"abc")[:-1], "a frame says that its record has 3 bytes"),
        (struct.pack("<IIQQ", 1, 0, START, START), "a frame says that its record has 0 bytes"),
        (struct.pack("<IIQQ", 1, RECORD_LIMIT_BYTES + 1, START, START) + bytes(70_000), "has 65536 bytes"),
        (b"\x01" + frame(START, START, b"abc")[1:], "a frame's CRC-32C does not match"),
        (frame(START + 1, START, b"abc"), "a frame has the sequence 8 where 7 is due"),
        (frame(START, START, b"a") * 2, "a frame has the sequence 7 where 8 is due"),
    ],
)
def test_problems_have_names(data: bytes, problem: str) -> None:
    _, scan = scanned(data)
    assert problem in (scan.problem or "")


@pytest.mark.parametrize(
    ("sequence", "batch_first", "is_damage"),
    [
        (8, 8, True),  # the next commit: it began when the bad frame was durable
        (9, 8, True),
        (8, 7, False),  # the bad frame's own commit, of which a later page reached the disk
        (6, 8, False),  # no frame of a writer: a commit does not end before it begins
    ],
)
def test_damage_is_what_a_later_commit_follows(sequence: int, batch_first: int, is_damage: bool) -> None:
    later = frame(sequence, batch_first, MARK + b'..."}')
    assert is_followed_up(b"\xff" * 31 + later + bytes(9), MARK, START) is is_damage


@given(st.binary(max_size=60), st.integers(0, 10), st.data())
def test_only_a_whole_frame_follows_up(before: bytes, gap: int, data: st.DataObject) -> None:
    later = frame(START + 1, START + 1, MARK + b'"}')
    at = data.draw(st.integers(0, len(later) - 1))
    spoilt = later[:at] + bytes([later[at] ^ 0x10]) + later[at + 1 :]
    assert not is_followed_up(before + spoilt, MARK, START)
    assert not is_followed_up(before + later[:at], MARK, START)
    assert is_followed_up(before + spoilt + bytes(gap) + later, MARK, START)


def test_a_mark_at_the_very_beginning_has_no_frame_before_it() -> None:
    assert not is_followed_up(MARK, MARK, START)
    assert not is_followed_up(b"", MARK, START)
