from __future__ import annotations

import pytest

from sidecar.ledger.segments import first_of, segment_files
from sidecar.ship.cursor import Cursor
from sidecar.ship.lag import Lag, archive_lag, checkpoint_age_s, collector_lag
from sidecar.ship.tail import Position, follow
from tests.unit.ship.ledgers import START_NS, WrittenLog, event

PADDED = event(padding="x" * 1_000)
START_S = START_NS / 1e9
"""When record 0 was written; each is a second younger than the one before."""


def at(log: WrittenLog, position: Position) -> Cursor:
    return Cursor(log.log_id, next=position.sequence, segment=position.segment, offset=position.offset)


def test_an_empty_log_has_no_lag(log: WrittenLog) -> None:
    log.write(event())
    for lag in (collector_lag, archive_lag):
        assert lag(log.layout, None, START_S) == Lag(0, 0.0)
    log.layout.checkpoint.unlink()
    for lag in (collector_lag, archive_lag):
        assert lag(log.layout, None, START_S) == Lag(0, 0.0)
    assert checkpoint_age_s(log.layout, None, START_S) == 0.0


@pytest.mark.parametrize("other", [None, Cursor("f" * 32, next=5)])
def test_without_a_cursor_of_this_log_everything_is_due(log: WrittenLog, other: Cursor | None) -> None:
    log.write_signed(*[event()] * 9)
    log.write(event())
    assert collector_lag(log.layout, other, START_S + 60) == Lag(9, 60.0)


def test_the_oldest_record_that_is_due_tells_the_age_wherever_the_cursor_stands(log: WrittenLog) -> None:
    """Also at the end of a segment, where the record is the first of the next."""
    size = log.write_signed(*[PADDED] * 12)
    for _, position in follow(log.layout, Position(0, 0, 80), size):
        due = size - position.sequence
        expected = Lag(due, 60.0 - position.sequence if due else 0.0)
        assert collector_lag(log.layout, at(log, position), START_S + 60) == expected


def test_an_idle_log_that_is_shipped_has_no_lag_however_long_ago(log: WrittenLog) -> None:
    size = log.write_signed(event())
    _, position = list(follow(log.layout, Position(0, 0, 80), size))[-1]
    assert collector_lag(log.layout, at(log, position), START_S + 86_400) == Lag(0, 0.0)


def test_of_the_archive_only_closed_segments_are_due(log: WrittenLog) -> None:
    log.write_signed(event())
    assert archive_lag(log.layout, None, START_S + 60) == Lag(0, 0.0)
    log.write_signed(*[PADDED] * 12)
    second, third = (first_of(path) for path in segment_files(log.layout.ledger_dir)[1:3])
    newest = log.first_of_newest
    assert archive_lag(log.layout, None, START_S + 60) == Lag(newest, 60.0 - second)
    assert archive_lag(log.layout, Cursor(log.log_id, next=second), START_S + 60) == Lag(newest - second, 60.0 - third)
    assert archive_lag(log.layout, Cursor(log.log_id, next=newest), START_S + 60) == Lag(0, 0.0)


def test_the_age_of_the_archives_checkpoint(log: WrittenLog) -> None:
    size = log.write_signed(event(), event())
    there = Cursor(log.log_id, checkpoint=size, checkpoint_unix_s=100)
    older = Cursor(log.log_id, checkpoint=size - 1, checkpoint_unix_s=100)
    assert checkpoint_age_s(log.layout, there, 160.0) == 0.0
    assert checkpoint_age_s(log.layout, older, 160.0) == 60.0
    assert checkpoint_age_s(log.layout, None, 160.0) == 160.0


def test_a_clock_that_went_back_makes_no_negative_age(log: WrittenLog) -> None:
    log.write_signed(event())
    assert collector_lag(log.layout, None, START_S - 5) == Lag(1, 0.0)
