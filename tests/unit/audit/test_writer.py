"""What the writer does when the disk fails or is full, and when the clock goes back."""

from __future__ import annotations

import asyncio
import dataclasses
import errno
import time
from typing import TYPE_CHECKING

import pytest

from sidecar.audit import writer
from sidecar.audit.port import Kind
from sidecar.ledger.frames import FRAME_LIMIT_BYTES, RECORD_LIMIT_BYTES
from sidecar.ledger.segments import HEADER_BYTES, read_header, segment_files
from sidecar.model.refusal import Refused
from tests.unit.audit.logs import (
    NOW_NS,
    Opened,
    event,
    held_write,
    intent,
    lines,
    outcome,
    record,
    summary,
    until,
)
from tests.unit.ledger.faulty import Fail, os_error

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.audit.port import Record
    from tests.unit.ledger.faulty import Call

SMALL = 1 << 20
"""The smallest segment: room for 15 records of the largest size."""
LARGEST = 65_000


async def gathered(it: Opened, *records: Record) -> list[str | None]:
    """Appends all at once: for each the reason of its refusal, None where it is on record."""
    results = await asyncio.gather(*(it.log.append(each) for each in records), return_exceptions=True)
    return [each.reasons[0].message if isinstance(each, Refused) else None for each in results]


async def test_a_write_that_failed_is_never_tried_again(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    gate = held_write(it.files)
    gate.failure = os_error(errno.EIO)
    failing = asyncio.create_task(gathered(it, intent(2), outcome(1)))
    await gate.entered()
    waiting = asyncio.create_task(gathered(it, intent(3)))
    await asyncio.sleep(0)
    gate.release()
    assert await failing == ["the audit log is broken"] * 2
    assert await waiting == ["the audit log is broken"]
    writes = sum(call.name == "write" for call in it.files.calls)
    assert await gathered(it, intent(4)) == ["the audit log is broken"]
    assert it.log.broken == "[Errno 5] Input/output error"
    assert sum(call.name == "write" for call in it.files.calls) == writes
    await it.log.aclose()
    assert it.log.broken == "[Errno 5] Input/output error"
    assert summary(it.lines()) == [("INTENT", 1)]
    await Opened(tmp_path).log.aclose()
    assert [line.get("result") for line in it.lines()] == [None, "unknown"]


@pytest.mark.parametrize("name", ["write", "open", "move", "truncate"])
async def test_a_failure_at_any_call_of_the_writer_breaks_it_and_loses_nothing(tmp_path: Path, name: str) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL).start()
    on_record: list[int] = []
    broke = 0
    await it.log.append(intent(0))
    Fail(it.files, lambda call: call.name == name and ".seg" in f"{call.file}.seg")
    for number in range(1, 40):
        try:
            await it.log.append(event(pad=LARGEST))
            on_record.append(number)
        except Refused:
            broke += 1
    assert broke == 39 - len(on_record) > 0
    assert (it.log.broken is None, name == "write" or len(on_record) > 5) == (False, True)
    it.files.before = lambda _: None
    await it.log.aclose()
    again = Opened(tmp_path, segment_bytes=SMALL)
    found = again.lines()
    assert summary(found)[: len(on_record) + 1] == [("INTENT", 0), *[("EVENT", -1)] * len(on_record)]
    assert [line["sequence"] for line in found] == list(range(len(found)))
    assert found[-1]["result"] == "unknown"
    await again.log.aclose()


async def test_a_disk_that_fails_to_the_end_does_not_keep_the_log_from_closing(tmp_path: Path) -> None:
    """What cannot be cut off the segment now, the next start cuts off."""
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    Fail(it.files, lambda call: call.name != "close")
    assert await gathered(it, intent(2)) == ["the audit log is broken"]
    await it.log.aclose()
    again = Opened(tmp_path)
    assert summary(again.lines()) == [("INTENT", 1), ("OUTCOME", 1)]
    await again.log.aclose()


async def test_a_full_disk_refuses_what_is_new_and_keeps_room_for_what_is_open(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    no_room = "the audit log has no room on its disk"
    begun: list[int] = []
    for number in range(200):
        (refusal,) = await gathered(it, intent(number, pad=LARGEST))
        if refusal is not None:
            assert refusal == no_room
            break
        begun.append(number)
    assert len(begun) > 5
    while (await gathered(it, event(pad=LARGEST)))[0] is None:
        pass
    assert await gathered(it, record(Kind.REFUSAL, 998), event()) == [no_room] * 2
    assert await gathered(it, *(outcome(number, pad=LARGEST) for number in begun)) == [None] * len(begun)
    assert (it.log.broken, it.log.is_reserved) == (None, False)
    await until(lambda: it.log.problem is not None)
    assert "cannot reserve the next segment" in (it.log.problem or "")
    full.is_on = False
    await until(lambda: it.log.is_reserved)
    assert await gathered(it, intent(1_001), outcome(1_001)) == [None, None]
    await until(lambda: it.log.problem is None)
    assert it.log.housekeeping_failures_total > 0
    await it.log.aclose()
    found = summary(it.lines())
    assert {number for kind, number in found if kind == "INTENT"} == {*begun, 1_001}
    assert {number for kind, number in found if kind == "OUTCOME"} == {*begun, 1_001}


async def test_a_refusal_for_want_of_room_says_when_to_come_again(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    while it.log._writer._has_room(event()):
        await it.log.append(event(pad=LARGEST))
    with pytest.raises(Refused, match="no room") as caught:
        await it.log.append(event())
    assert (caught.value.reasons[0].code, caught.value.retry_after_s) == ("audit_unavailable", 1)
    full.is_on = False
    await it.log.aclose()


async def test_records_go_over_into_new_segments(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL).start()
    for number in range(60):
        await until(lambda: it.log.is_reserved)
        await it.log.append(intent(number, pad=40_000))
        await it.log.append(outcome(number, pad=40_000))
    await it.log.aclose()
    assert len(segment_files(it.layout.ledger_dir)) >= 5
    assert summary(it.lines()) == [(kind, number) for number in range(60) for kind in ("INTENT", "OUTCOME")]
    again = Opened(tmp_path, segment_bytes=SMALL)
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


def largest(it: Opened, plain: Record) -> Record:
    """Padded so that it becomes a record of the largest size there is, if it is the next."""
    head = len(it.log._writer._heads[plain.kind]) + len(f'{it.log.size},"time_unix_ns":{NOW_NS},')
    spare = RECORD_LIMIT_BYTES - head - (len(plain.body) - 1)
    return dataclasses.replace(plain, body=plain.body.replace(b'"pad":"', b'"pad":"' + b"x" * spare))


@pytest.mark.parametrize("goes_back_at", ["INTENT", "EVENT", "OUTCOME", ""])
@pytest.mark.parametrize("since", range(8))
async def test_what_is_open_has_its_room_to_the_byte_even_if_the_clock_goes_back(
    tmp_path: Path, goes_back_at: str, since: int
) -> None:
    """Segments that hold records of the largest size and not a byte more, all of them used."""
    it = Opened(tmp_path, segment_bytes=HEADER_BYTES + 5 * FRAME_LIMIT_BYTES).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)

    async def is_on_record(plain: Record) -> bool:
        if plain.kind == goes_back_at and it.log.size >= since:
            it.clock.advance(-5)
        return (await gathered(it, largest(it, plain)))[0] is None

    begun = 0
    while await is_on_record(intent(begun)):
        begun += 1
    while await is_on_record(event()):
        pass
    assert begun > 1
    assert [await is_on_record(outcome(number)) for number in range(begun)] == [True] * begun
    assert it.log.broken is None
    full.is_on = False
    await it.log.aclose()


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


async def test_a_defect_in_the_writer_lets_nobody_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it = Opened(tmp_path).start()

    def defect() -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(it.log._writer._appender, "absorb", defect)
    await it.log.append(event())
    await until(lambda: it.log.broken is not None)
    assert await gathered(it, intent(1)) == ["the audit log is broken"]
    assert it.log.broken == "a defect"
    await it.log.aclose()
    assert summary(lines(it.audit_dir)) == [("EVENT", -1)]


async def test_a_broken_writer_waits_for_work_and_does_not_look_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "CHECKPOINT_INTERVAL_S", 0.01)
    it = Opened(tmp_path).start()
    timeouts: list[float] = []
    real = it.log._writer._next

    def next_batch(due_s: float) -> object:
        timeouts.append(due_s - writer.time.monotonic())
        return real(due_s)

    Fail(it.files, _is_write)
    with pytest.raises(Refused):
        await it.log.append(event())
    monkeypatch.setattr(it.log._writer, "_next", next_batch)
    await until(lambda: len(timeouts) > 20)
    assert sum(timeout > 0 for timeout in timeouts) > 10
    await it.log.aclose()


def _is_write(call: Call) -> bool:
    return call.name == "write"


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


async def test_what_is_dropped_for_want_of_room_is_counted_and_told_when_there_is_room_again(tmp_path: Path) -> None:
    it = Opened(tmp_path, required=False, segment_bytes=SMALL).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    for number in range(60):
        await it.log.append(intent(number, pad=LARGEST))
    await until(lambda: it.log.dropped_total > 0 and it.log._writer.waiting == 0)
    for number in range(60):
        await it.log.append(outcome(number))
    full.is_on = False
    await until(lambda: it.log.is_reserved and it.log._writer.waiting == 0)
    await it.log.append(event())
    await it.log.aclose()
    found = it.lines()
    intents = [number for kind, number in summary(found) if kind == "INTENT"]
    assert [number for kind, number in summary(found) if kind == "OUTCOME"] == intents
    told = [line for line in found if line.get("event") == "records_dropped"]
    assert sum(line["details"]["count"] for line in told) == it.log.dropped_total
    assert it.log.dropped_total == 2 * (60 - len(intents)) > 0


async def test_a_segment_that_somebody_deletes_is_missed_at_once(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    segment_files(it.layout.ledger_dir)[-1].unlink()
    await until(lambda: it.log.broken is not None)
    assert it.log.broken == "the segment that is written to was deleted"
    await it.log.aclose()


async def test_a_reserve_that_somebody_deletes_is_made_anew(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    it.layout.reserve.unlink()
    await until(it.layout.reserve.exists)
    await it.log.append(outcome(1))
    await it.log.aclose()
    assert it.log.broken == "closed"
