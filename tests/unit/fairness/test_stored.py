from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from sidecar.fairness.cells import Cell
from sidecar.fairness.epoch import EpochTest
from sidecar.fairness.stored import (
    bucket_key,
    copy_of,
    field_of_hold,
    hash_of_test,
    read_cells,
    read_hold,
    read_test,
    write_cells,
    write_hold,
)
from sidecar.fairness.throttle import Armed, Hold
from sidecar.fairness.ticks import Ticks
from sidecar.fairness.watch import Watch
from sidecar.model.facts import Positive
from tests.conformance.windows import CREDIT, NOON_S, READ, TERMS

HOLD = Hold(Armed("credit", "3", 0.5, 60.0, 1_060.0, 2), 7, 1_060.0, "r", is_ours=True)


def watch(version: str | None = None, **facts: object) -> Watch:
    made = Watch(replace(CREDIT, **facts), version, "r", TERMS, 0)
    made.turn(NOON_S, None, is_alone=True)
    return made


def test_cells_mean_the_same_for_the_same_model_version_and_reading() -> None:
    others = [
        watch("1"),
        watch(name="other"),
        watch(read=replace(READ, positive=Positive(score_at_least=0.5))),
        watch(read=replace(READ, score=None)),
    ]
    assert bucket_key(watch()) == bucket_key(watch(disparate_impact_max=2.0, groups=("x", "y")))
    assert len({bucket_key(each) for each in [watch(), *others]}) == 5


def test_those_who_test_the_same_by_the_same_terms_share_a_test() -> None:
    def name(each: Watch) -> str:
        assert each.test is not None
        return hash_of_test(each, each.test)

    others = [watch("1"), watch(disparate_impact_max=2.0), watch(groups=("a", "b", "c"))]
    assert name(watch()) == name(watch(risk_tier="high"))
    assert len({name(each) for each in [watch(), *others]}) == 4


def test_cells_come_back_as_they_were_written() -> None:
    cell = Cell()
    for score in (0.1, 0.2, 1 / 3):
        cell.add(score, positive=score > 0.15, released=score < 0.3)
    cells = {"a": cell, "unknown": Cell()}
    assert read_cells(write_cells(cells), "r") == cells


@pytest.mark.parametrize("value", [b"", b"{", b"[]", b'{"a": 1}', b'{"a": [[1], [2]]}', b"\xff"])
def test_what_no_replica_wrote_is_nothing(value: bytes) -> None:
    assert read_cells(value, "r") is None
    assert read_test(value) is None
    assert read_hold(value, 0.0) is None


def test_what_is_not_there_is_nothing() -> None:
    assert (read_test(None), read_hold(None, 0.0)) == (None, None)


def test_a_copied_test_is_taken_on_by_itself() -> None:
    test = EpochTest(1, 0, ("a", "b"), 1.5, 0.01)
    ticks = Ticks()
    ticks.add(5, "a", positive=True)
    before = orjson.dumps(test.state())
    copied = copy_of(test)
    copied.contribute("r", ticks, 100)
    copied.settle(50, None)
    assert orjson.dumps(test.state()) == before
    assert read_test(orjson.dumps(copied.state())) is not None


def test_a_hold_ends_by_the_stores_clock() -> None:
    stored = write_hold(HOLD, ahead_s=3_600.0)
    theirs = read_hold(stored, ahead_s=-60.0)
    ends_s = 1_060.0 + 3_600.0 + 60.0
    assert theirs is not None
    assert (theirs.armed, theirs.ends_unix_s) == (replace(HOLD.armed, until_unix_s=ends_s), ends_s)
    assert (theirs.rank, theirs.is_ours, theirs.is_active) == (HOLD.rank, False, True)
    assert field_of_hold(HOLD) == '["credit","3"]'
