"""What the writer does when a call fails, when its files go away under it, and after a defect of its own."""

from __future__ import annotations

import asyncio
import errno
from typing import TYPE_CHECKING

import pytest

from sidecar.audit import writer
from sidecar.ledger.segments import segment_files
from sidecar.model.refusal import Refused
from tests.unit.audit.logs import (
    LARGEST_PAD,
    SMALL_SEGMENT_BYTES,
    Opened,
    event,
    gathered,
    held_write,
    intent,
    lines,
    outcome,
    summary,
    until,
)
from tests.unit.ledger.faulty import Fail, os_error

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.ledger.faulty import Call


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
    it = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES).start()
    on_record: list[int] = []
    broke = 0
    await it.log.append(intent(0))
    Fail(it.files, lambda call: call.name == name and ".seg" in f"{call.file}.seg")
    for number in range(1, 40):
        try:
            await it.log.append(event(pad=LARGEST_PAD))
            on_record.append(number)
        except Refused:
            broke += 1
    assert broke == 39 - len(on_record) > 0
    assert (it.log.broken is None, name == "write" or len(on_record) > 5) == (False, True)
    it.files.before = lambda _: None
    await it.log.aclose()
    again = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES)
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


def _is_write(call: Call) -> bool:
    return call.name == "write"


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
