from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.ledger.segments import Damaged, segment_files
from sidecar.ship.cursor import Cursor
from sidecar.ship.tail import Position, extent_of, follow, position_of
from tests.unit.ship.ledgers import WrittenLog, event

if TYPE_CHECKING:
    from pathlib import Path

START = Position(0, 0, 80)
PADDED = event(padding="x" * 1_000)
"""Three or four of these fill a segment of 4 KiB."""


def sequences(log: WrittenLog, position: Position, stop: int) -> list[int]:
    return [orjson.loads(record)["sequence"] for record, _ in follow(log.layout, position, stop)]


def test_without_a_checkpoint_there_is_nothing_to_ship(tmp_path: Path) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write_signed(event())
        log.layout.checkpoint.unlink()
        assert extent_of(log.layout) is None


def test_the_extent_is_what_the_newest_checkpoint_covers(tmp_path: Path) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write_signed(event(), event())
        log.write(event())
        note = log.layout.checkpoint.read_bytes()
        assert extent_of(log.layout) == (log.log_id, 0, 2, note)


@pytest.mark.parametrize("note", [b"", b"\xff\n\nx", b"origin\nmany\nAAAA\n\n-- x"])
def test_a_checkpoint_that_is_none_is_damage(tmp_path: Path, note: bytes) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write_signed(event())
        log.layout.checkpoint.write_bytes(note)
        with pytest.raises(Damaged, match="checkpoint"):
            extent_of(log.layout)


def test_it_goes_over_segments_and_stops_where_it_is_told(tmp_path: Path) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write(*[PADDED] * 12)
        assert len(segment_files(log.layout.ledger_dir)) > 3
        assert sequences(log, START, 12) == list(range(12))
        assert sequences(log, START, 5) == list(range(5))
        assert sequences(log, START, 0) == []


def test_from_each_position_it_gives_the_rest(tmp_path: Path) -> None:
    """Also from behind the last record of a segment, before and after the next one has begun."""
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write(*[PADDED] * 12)
        for _, position in list(follow(log.layout, START, 12)):
            cursor = Cursor(log.log_id, next=position.sequence, segment=position.segment, offset=position.offset)
            assert sequences(log, position_of(cursor), 12) == list(range(position.sequence, 12))
        last = position
        log.write(*[PADDED] * 5)
        assert sequences(log, last, 17) == list(range(12, 17))


def test_records_that_the_checkpoint_covers_and_that_are_not_there_are_damage(tmp_path: Path) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write(event())
        with pytest.raises(Damaged, match="it ends before record 1, which the checkpoint covers"):
            sequences(log, START, 2)


def test_a_flipped_bit_is_damage(tmp_path: Path) -> None:
    with WrittenLog(tmp_path / "audit" / "0") as log:
        log.write(event(), event())
        path = log.layout.segment(0)
        content = bytearray(path.read_bytes())
        content[200] ^= 1
        path.write_bytes(content)
        with pytest.raises(Damaged, match="CRC-32C"):
            sequences(log, START, 2)
