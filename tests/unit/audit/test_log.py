"""Group commit as callers see it: order, durability before return, `best_effort`, the end."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.audit import log as module
from sidecar.audit import writer
from sidecar.audit.lookup import export
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.reading import entries
from sidecar.model.refusal import Refused
from tests.budgets import examples
from tests.unit.audit.logs import NOW_NS, Opened, decision, event, held_write, intent, outcome, parked, summary, until
from tests.unit.ledger.faulty import os_error
from tests.unit.ledger.logs import scratch

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@pytest.fixture
async def it(tmp_path: Path) -> AsyncGenerator[Opened]:
    opened = Opened(tmp_path).start()
    yield opened
    await opened.log.aclose()


async def test_a_record_is_written_as_its_builder_wrote_it_under_the_logs_head(it: Opened) -> None:
    for each in (intent(0xA), event(), outcome(0xA)):
        await it.log.append(each)
    head = b'{"v":1,"log":"%s","kind":"%%s","sequence":%%d,"time_unix_ns":%d,' % (it.log.log_id.encode(), NOW_NS)
    ids = b'"decision_id":"%s","request_id":"r","trace_id":"t",' % decision(0xA).encode()
    expected = [
        head % (b"INTENT", 0) + ids + b'"pad":""}',
        head % (b"EVENT", 1) + b'"pad":""}',
        head % (b"OUTCOME", 2) + ids + b'"pad":""}',
    ]
    assert list(export(it.audit_dir)) == expected
    assert it.log.find(decision(0xA)) == [expected[0], expected[2]]
    assert (it.log.find(decision(0xB)), it.log.size, it.log.broken) == ([], 3, None)


async def test_append_returns_when_the_write_has(it: Opened) -> None:
    gate = held_write(it.files)
    task = await parked(it.log.append(intent(1)))
    await gate.entered()
    assert not task.done()
    gate.release()
    await task
    assert summary(it.lines()) == [("INTENT", 1)]


async def test_all_that_waits_is_one_commit_in_the_order_of_the_calls(it: Opened) -> None:
    begun = len(it.files.calls)
    gate = held_write(it.files)
    async with asyncio.TaskGroup() as group:
        for number in range(100):
            group.create_task(it.log.append(intent(number)))
            if number == 0:
                await gate.entered()
        await asyncio.sleep(0)
        gate.release()
    assert summary(it.lines()) == [("INTENT", number) for number in range(100)]
    assert sum(call.name == "write" for call in it.files.calls[begun:]) == 2


@settings(max_examples=examples(25))
@given(st.lists(st.lists(st.integers(1, 30_000), min_size=1, max_size=4), min_size=1, max_size=12))
async def test_whoever_calls_from_wherever_each_record_is_there_once_and_in_its_callers_order(
    pads: list[list[int]],
) -> None:
    with scratch() as folder:
        it = Opened(folder).start()

        async def caller(number: int) -> None:
            await it.log.append(intent(number))
            for pad in pads[number]:
                await it.log.append(event(pad=pad))
            await it.log.append(outcome(number))

        async with asyncio.TaskGroup() as group:
            for number in range(len(pads)):
                group.create_task(caller(number))
        await it.log.aclose()
        found = it.lines()
        assert [line["sequence"] for line in found] == list(range(sum(len(each) + 2 for each in pads)))
        exchanges = [each for each in summary(found) if each[0] != "EVENT"]
        for number in range(len(pads)):
            assert [each for each in exchanges if each[1] == number] == [("INTENT", number), ("OUTCOME", number)]


async def test_best_effort_waits_for_nobody_and_counts_what_is_over_its_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUEUE_LIMIT", 3)
    it = Opened(tmp_path, required=False).start()
    gate = held_write(it.files)
    await it.log.append(event())
    await gate.entered()
    for _ in range(5):
        await it.log.append(event())
    assert (it.log.dropped_total, it.lines()) == (2, [])
    gate.release()
    await it.log.aclose()
    assert (it.log.dropped_total, summary(it.lines())) == (2, [("EVENT", -1)] * 4)
    await it.log.append(event())
    assert it.log.dropped_total == 3


async def test_best_effort_ends_nothing_when_the_log_breaks_and_counts_what_is_lost(tmp_path: Path) -> None:
    it = Opened(tmp_path, required=False).start()
    await it.log.append(event())
    await until(lambda: len(it.lines()) == 1)
    gate = held_write(it.files)
    gate.failure = os_error(5)
    await it.log.append(event())
    await gate.entered()
    await it.log.append(event())
    gate.release()
    await until(lambda: it.log.dropped_total == 2)
    await it.log.append(event())
    assert (it.log.dropped_total, it.log.broken) == (3, None)
    await it.log.aclose()
    assert len(it.lines()) == 1


async def test_what_waits_when_the_log_is_closed_is_written_and_what_comes_later_is_refused(it: Opened) -> None:
    gate = held_write(it.files)
    first = await parked(it.log.append(intent(1)))
    await gate.entered()
    others = [await parked(it.log.append(intent(number))) for number in (2, 3)]
    closing = await parked(it.log.aclose())
    with pytest.raises(Refused, match="audit_unavailable"):
        await it.log.append(intent(4))
    gate.release()
    await asyncio.gather(first, *others, closing)
    assert summary(it.lines()) == [("INTENT", 1), ("INTENT", 2), ("INTENT", 3)]
    assert (it.log.broken, it.log.unsigned) == ("closed", 0)
    with pytest.raises(Refused, match="audit_unavailable"):
        await it.log.append(intent(5))
    await it.log.aclose()


async def test_the_last_checkpoint_covers_everything(it: Opened) -> None:
    for number in range(20):
        await it.log.append(intent(number))
    await it.log.aclose()
    signer = it.log._signer
    assert open_checkpoint(it.layout.checkpoint.read_bytes(), [signer.verifier], signer.name).size == 20
    assert it.log.identity == {"origin": signer.name, "key": signer.vkey}


async def test_a_log_that_hangs_in_a_write_is_left_alone_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the write may yet make durable is not cut off, and no other process gets the log."""
    monkeypatch.setattr(writer, "_JOIN_TIMEOUT_S", 0.01)
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    gate = held_write(it.files)
    task = await parked(it.log.append(intent(2)))
    await gate.entered()
    await it.log.aclose()
    assert it.log.broken == "its disk does not answer"
    with pytest.raises(Exception, match="another process writes the audit log"):
        Opened(tmp_path)
    gate.release()
    await task
    assert summary(it.lines()) == [("INTENT", 1), ("INTENT", 2)]
    it.log._writer._thread.join()
    it.log._writer._ledger.close()


async def test_find_gives_what_the_log_has_at_hand(it: Opened) -> None:
    await it.log.append(intent(1))
    assert [len(it.log.find(decision(number))) for number in (1, 2)] == [1, 0]
    await it.log.append(outcome(1))
    assert it.log.find(decision(1)) == list(export(it.audit_dir))
    await it.log.aclose()
    it.layout.segment(0).unlink()
    assert it.log.find(decision(1)) == []


async def test_readers_of_a_live_log_see_its_records_and_no_damage(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=1 << 20).start()
    is_over = threading.Event()

    def read() -> int:
        seen = 0
        while not is_over.is_set():
            sequences = [entry.sequence for entry in entries(it.layout.ledger_dir, seen)]
            assert sequences == list(range(seen, seen + len(sequences)))
            seen += len(sequences)
        return seen

    reading = asyncio.create_task(asyncio.to_thread(read))
    try:
        for number in range(100):
            await until(lambda: it.log.is_reserved)
            await asyncio.gather(*(it.log.append(event(pad=pad)) for pad in (0, 20_000, number)))
    finally:
        is_over.set()
    assert 0 < await reading <= 300
    assert len(it.lines()) == 300
    await it.log.aclose()
