from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ledger.segments import (
    FOLDER,
    HEADER_BYTES,
    Damaged,
    Header,
    first_of,
    read_header,
    segment_files,
    segment_name,
)

if TYPE_CHECKING:
    from pathlib import Path

LOG_ID = "0123456789abcdef" * 2
HEADER = Header(LOG_ID, 258, 256, bytes(range(32)))

u64 = st.integers(0, 2**64 - 1)


def test_a_header_byte_by_byte() -> None:
    body = b"MPSLOG1\n" + bytes.fromhex(LOG_ID) + struct.pack("<QQ", 258, 256) + bytes(range(32))
    assert HEADER.pack() == body + struct.pack("<I", crc32c(body)) + bytes(4)
    assert HEADER_BYTES == 80


@given(st.binary(min_size=16, max_size=16), u64, u64, st.binary(min_size=32, max_size=32))
def test_a_header_tells_all_of_itself(log_id: bytes, first: int, keep_from: int, root: bytes) -> None:
    header = Header(log_id.hex(), first, keep_from, root)
    assert Header.unpack(header.pack()) == header


@pytest.mark.parametrize("at", range(HEADER_BYTES))
def test_a_header_with_any_bit_flipped_is_none(at: int) -> None:
    for bit in range(8):
        spoilt = bytearray(HEADER.pack())
        spoilt[at] ^= 1 << bit
        with pytest.raises(ValueError, match="magic" if at < 8 else "CRC-32C"):
            Header.unpack(bytes(spoilt))


@pytest.mark.parametrize("size", [0, 79, 81])
def test_a_header_of_another_length_is_none(size: int) -> None:
    with pytest.raises(ValueError, match="cut off"):
        Header.unpack((HEADER.pack() + b"x")[:size])


def test_names_sort_like_sequences() -> None:
    firsts = [0, 9, 10, 258, 10**19, 2**64 - 1]
    names = [segment_name(first) for first in firsts]
    assert names == sorted(names)
    assert names[3] == "00000000000000000258.seg"


def test_segments_are_listed_in_order_and_nothing_else(tmp_path: Path) -> None:
    assert segment_files(tmp_path) == []
    folder = tmp_path / FOLDER
    folder.mkdir()
    for name in (segment_name(10), segment_name(9), segment_name(0), "1.seg", f"{segment_name(3)}.old", "x"):
        (folder / name).touch()
    assert [first_of(path) for path in segment_files(tmp_path)] == [0, 9, 10]


def test_a_header_is_read_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / segment_name(258)
    path.write_bytes(HEADER.pack() + b"frames")
    assert read_header(path) == HEADER


@pytest.mark.parametrize(
    ("first", "content", "offset", "what"),
    [
        (258, HEADER.pack()[:79], 0, "the header is cut off"),
        (258, b"x" + HEADER.pack()[1:], 0, "the header has another magic number"),
        (258, HEADER.pack()[:-1] + b"x", 0, "the header's CRC-32C does not match"),
        (259, HEADER.pack(), 24, "the header says that it begins with record 258"),
    ],
)
def test_a_damaged_header_is_named(tmp_path: Path, first: int, content: bytes, offset: int, what: str) -> None:
    path = tmp_path / segment_name(first)
    path.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        read_header(path)
    found = caught.value
    assert (found.path, found.offset, found.sequence, found.what) == (path, offset, first, what)
    assert str(found) == f"{path} is damaged at byte {offset}: {what}"
