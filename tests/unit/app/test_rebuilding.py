"""A restart: the log's last day goes through a fresh store, whatever else is in the log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from sidecar.app.rebuilding import BATCH_RECORDS, Rebuilt, rebuild
from sidecar.audit.port import Kind
from sidecar.fairness.rebuild import LogClock
from sidecar.fairness.throttle import Armed, Released
from sidecar.fairness.windows import MemoryWindow
from sidecar.ledger.segments import segment_files
from sidecar.model.facts import Facts, ModelFacts, Positive, ReadPlan
from tests.unit.evidence.fairness.predicted import Predicted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import FixedClock

pytestmark = pytest.mark.anyio

CREDIT = ModelFacts(
    "credit",
    groups=("a", "b"),
    disparate_impact_max=1.5,
    read=ReadPlan(positive=Positive(score_at_least=0.5), score_range=(0, 1)),
)
FACTS = Facts("r", {"credit": CREDIT})
DAY_S = 86_400


async def _rebuilt(log: Predicted, *, segments: int = 1) -> tuple[MemoryWindow, Rebuilt]:
    """A store after a restart at the log's clock."""
    ledger_dir = log.flush()
    assert len(segment_files(ledger_dir)) >= segments
    clock = LogClock(log.clock)
    store = MemoryWindow(clock)
    rebuilt = await rebuild(store, clock, [ledger_dir], FACTS, back_s=DAY_S, clock=log.clock)
    assert clock.unix_s() == log.clock.unix_s()
    return store, rebuilt


def _n(store: MemoryWindow) -> dict[str, float | None]:
    groups = store.snapshot(CREDIT, None).groups
    return {group: groups[group]["n"] for group in sorted(groups)}


async def test_a_log_without_predictions_leaves_the_store_empty(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.write(Kind.EVENT, None, event="start", details={})
    store, rebuilt = await _rebuilt(log)
    assert (_n(store), rebuilt) == ({}, Rebuilt(records=1))


async def test_the_last_day_is_counted_and_what_is_older_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Predicted(tmp_path)
    log.stream(400)
    log.clock.advance(DAY_S)
    log.stream(400)
    with caplog.at_level(logging.INFO):
        store, rebuilt = await _rebuilt(log)
    assert _n(store) == {"a": 300, "b": 100}
    assert "rebuilt the fairness window: 1,600 records: 800 predictions, 0 throttle events" in caplog.text
    assert (rebuilt.observations, rebuilt.unreadable) == (800, {})


async def test_batches_leave_nothing_out(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.stream(BATCH_RECORDS // 2 + 100, after_s=0.01)
    store, rebuilt = await _rebuilt(log, segments=2)
    assert (rebuilt.records, rebuilt.observations) == (BATCH_RECORDS + 200, BATCH_RECORDS // 2 + 100)
    assert sum(n or 0 for n in _n(store).values()) == rebuilt.observations


async def test_the_test_goes_on_where_it_was(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.stream(400)
    store, _ = await _rebuilt(log)
    assert (store.snapshot(CREDIT, None).disparate_impact or {})["certain"] is True


async def test_a_throttle_holds_on_and_counts_for_the_next_one(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    log.stream(400)
    log.event(Armed("credit", None, 1.0, 300.0, log.clock.unix_s() + 300, 1))
    store, rebuilt = await _rebuilt(log)
    assert rebuilt.throttles == 1
    assert store.arm("credit", None, 1.0, 300.0) is None
    assert (store.snapshot(CREDIT, None).disparate_impact or {})["certain"] is False
    log.clock.advance(301)
    armed = store.arm("credit", None, 1.0, 300.0)
    assert armed is not None
    assert (armed.number, armed.hold_s) == (2, 600.0)


async def test_only_a_hold_whose_end_nobody_recorded_is_still_to_be_told(tmp_path: Path) -> None:
    log = Predicted(tmp_path)
    until_unix_s = log.clock.unix_s() + 10
    ended = Released("credit", None, 1, until_unix_s)
    log.event(Armed("credit", None, 1.0, 10.0, until_unix_s, 1))
    log.clock.advance(11)
    assert (await _rebuilt(log))[0].released() == [ended]
    log.event(ended)
    assert (await _rebuilt(log))[0].released() == []


async def test_what_is_damaged_or_foreign_is_passed_over_counted_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Predicted(tmp_path)
    log.write(Kind.EVENT, None, event="throttle_armed", details={"model": "credit"})
    log.write(Kind.INTENT, "f" * 32, input=1, started_unix_ns="then")
    log.write(Kind.OUTCOME, "f" * 32, input={"prediction": {"status": 200}}, positive=None)
    log.write(Kind.EVENT, None, event="throttle_armed", details=_foreign_throttle())
    log.stream(3_000, after_s=0.01)
    first, *_ = segment_files(log.flush())
    data = bytearray(first.read_bytes())
    data[len(data) // 2] ^= 1
    first.write_bytes(data)
    store, rebuilt = await _rebuilt(log, segments=2)
    assert rebuilt.unreadable == {"unreadable records": 2, "not counted by the window": 1, "damaged segments": 1}
    assert 1_000 < rebuilt.observations < 3_000
    assert sum(n or 0 for n in _n(store).values()) == rebuilt.observations
    for told in ("is damaged at byte", "is not as this version writes them", "could not be told of a record"):
        assert told in caplog.text


def _foreign_throttle() -> dict[str, object]:
    armed = {"model": "credit", "version": None, "rate_per_s": 1.0, "number": 1}
    return armed | {"hold_s": "long", "until_unix_s": "then"}


async def test_several_logs_are_told_as_one_in_the_order_of_time(tmp_path: Path) -> None:
    """Predictions of two logs in turns: the first one's last are long after the second one's first."""
    logs = [Predicted(tmp_path, name) for name in ("one", "two")]
    for log in logs:
        log.stream(40, after_s=60.0)
    clock = LogClock(logs[0].clock)
    store = MemoryWindow(clock)
    rebuilt = await rebuild(store, clock, [log.flush() for log in logs], FACTS, back_s=DAY_S, clock=logs[0].clock)
    alone, _ = await _rebuilt(logs[0])
    assert rebuilt.observations == 80
    assert _n(store) == {group: 2 * (n or 0) for group, n in _n(alone).items()}


async def test_a_long_rebuild_tells_how_far_it_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    log = Predicted(tmp_path)
    log.stream(BATCH_RECORDS // 2 + 1, after_s=0.01)
    with caplog.at_level(logging.INFO):
        await rebuild(
            MemoryWindow(clock := LogClock(log.clock)),
            clock,
            [log.flush()],
            FACTS,
            back_s=DAY_S,
            clock=_Hurrying(log.clock),
        )
    assert f"{BATCH_RECORDS:,} records: {BATCH_RECORDS // 2:,} predictions, 0 throttle events so far" in caplog.text


class _Hurrying:
    """Ten seconds pass between two looks."""

    def __init__(self, clock: FixedClock) -> None:
        self._clock = clock
        self._looks = 0

    def unix_s(self) -> float:
        return self._clock.unix_s()

    def unix_ns(self) -> int:
        return self._clock.unix_ns()

    def monotonic_s(self) -> float:
        self._looks += 1
        return self._looks * 10.0
