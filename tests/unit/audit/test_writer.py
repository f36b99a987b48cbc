"""The writer at work: segments, checkpoints, and a clock that goes back."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

from sidecar.audit import writer
from sidecar.ledger.segments import HEADER_BYTES, read_header, segment_files
from tests.unit.audit.logs import (
    NOW_NS,
    SMALL_SEGMENT_BYTES,
    Gate,
    Opened,
    event,
    intent,
    outcome,
    summary,
    until,
)
from tests.unit.ledger.faulty import Fail

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def test_records_go_over_into_new_segments(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES).start()
    for number in range(60):
        await until(lambda: it.log.is_reserved)
        await it.log.append(intent(number, pad=40_000))
        await it.log.append(outcome(number, pad=40_000))
    await it.log.aclose()
    assert len(segment_files(it.layout.ledger_dir)) >= 5
    assert summary(it.lines()) == [(kind, number) for number in range(60) for kind in ("INTENT", "OUTCOME")]
    again = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES)
    assert again.log.size == 120
    await again.log.aclose()


async def test_a_clock_that_goes_back_is_told(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(event())
    it.clock.advance(-0.5)
    await it.log.append(event())
    it.clock.advance(-2.25)
    await it.log.append(intent(1))
    it.clock.advance(10)
    await it.log.append(outcome(1))
    await it.log.aclose()
    times = [round((line["time_unix_ns"] - NOW_NS) / 1e6) for line in it.lines()]
    assert times == [0, -500, -2_750, -2_750, 7_250]
    assert [(line["event"], line["details"]) for line in it.lines() if "event" in line] == [
        ("clock_stepped_back", {"back_ms": 2_250})
    ]
    assert summary(it.lines())[3:] == [("INTENT", 1), ("OUTCOME", 1)]


async def test_a_clock_that_went_back_while_nothing_ran_is_told(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    it.clock.advance(60)
    await it.log.append(event())
    await it.log.aclose()
    again = Opened(tmp_path).start()
    await again.log.append(event())
    await again.log.aclose()
    assert [line.get("details") for line in again.lines()] == [None, {"back_ms": 60_000}, None]


async def test_checkpoints_are_signed_while_it_runs_and_after_what_could_not_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_INTERVAL_S", 0.01)
    it = Opened(tmp_path).start()
    await it.log.append(event())
    await until(lambda: it.log.unsigned == 0)
    fault = Fail(it.files, lambda call: call.name == "publish")
    await it.log.append(event())
    await until(lambda: it.log.problem is not None)
    assert (it.log.unsigned, it.log.broken) == (1, None)
    fault.is_on = False
    await until(lambda: it.log.unsigned == 0)
    assert it.log.housekeeping_failures_total == fault.count
    await it.log.aclose()


async def test_a_segment_that_is_old_is_closed_though_it_is_not_full(tmp_path: Path) -> None:
    it = Opened(tmp_path, rotate_s=0.05).start()
    await it.log.append(intent(1))
    await until(lambda: len(segment_files(it.layout.ledger_dir)) == 2)
    await it.log.append(outcome(1))
    await it.log.aclose()
    assert summary(it.lines()) == [("INTENT", 1), ("OUTCOME", 1)]
    first, second = segment_files(it.layout.ledger_dir)
    assert first.stat().st_size < 1_000  # the reserved rest was given back
    assert read_header(second).keep_from == 0


async def test_an_empty_segment_does_not_grow_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_INTERVAL_S", 0.01)
    it = Opened(tmp_path, rotate_s=0.001).start()
    await until(lambda: it.log.is_reserved)
    await asyncio.to_thread(time.sleep, 0.1)  # the writer looks at it several times
    await it.log.aclose()
    assert len(segment_files(it.layout.ledger_dir)) == 1


async def test_a_stop_closes_the_segment_where_there_is_an_archive(tmp_path: Path) -> None:
    for number in (1, 2):
        it = Opened(tmp_path, archived=True).start()
        assert it.log.is_reserved
        await it.log.append(intent(number))
        await it.log.append(outcome(number))
        await it.log.aclose()
    *closed, newest = segment_files(it.layout.ledger_dir)
    assert [read_header(path).first for path in (*closed, newest)] == [0, 2, 4]
    assert newest.stat().st_size == HEADER_BYTES
    assert summary(it.lines()) == [("INTENT", 1), ("OUTCOME", 1), ("INTENT", 2), ("OUTCOME", 2)]


async def test_a_stop_closes_the_segment_though_the_next_ones_place_was_only_being_made(tmp_path: Path) -> None:
    it = Opened(tmp_path, archived=True, rotate_s=0.05)
    reserving = Gate(it.files, lambda call: call.name == "reserve")
    it.start()
    await it.log.append(intent(1))
    await reserving.entered()  # after the segment was closed for its age
    await it.log.append(outcome(1))
    closing = asyncio.create_task(it.log.aclose())
    await until(lambda: all(thread.name != "audit-writer" for thread in threading.enumerate()))
    reserving.release()
    await closing
    assert [read_header(path).first for path in segment_files(it.layout.ledger_dir)] == [0, 1, 2]
