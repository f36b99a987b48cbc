"""What the writer does without room: what is new is refused, what is open keeps its place."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind
from sidecar.ledger.frames import FRAME_LIMIT_BYTES, RECORD_LIMIT_BYTES
from sidecar.ledger.segments import HEADER_BYTES
from sidecar.model.refusal import Refused
from tests.unit.audit.logs import (
    LARGEST_PAD,
    NOW_NS,
    SMALL_SEGMENT_BYTES,
    Opened,
    event,
    gathered,
    intent,
    outcome,
    record,
    summary,
    until,
)
from tests.unit.ledger.faulty import Fail

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.audit.port import Record


def largest(it: Opened, plain: Record) -> Record:
    """Padded so that it becomes a record of the largest size there is, if it is the next."""
    head = len(it.log._writer._heads[plain.kind]) + len(f'{it.log.size},"time_unix_ns":{NOW_NS},')
    spare = RECORD_LIMIT_BYTES - head - (len(plain.body) - 1)
    return plain._replace(body=plain.body.replace(b'"pad":"', b'"pad":"' + b"x" * spare))


async def test_a_full_disk_refuses_what_is_new_and_keeps_room_for_what_is_open(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    no_room = "the audit log has no room on its disk"
    begun: list[int] = []
    for number in range(200):
        (refusal,) = await gathered(it, intent(number, pad=LARGEST_PAD))
        if refusal is not None:
            assert refusal == no_room
            break
        begun.append(number)
    assert len(begun) > 5
    while (await gathered(it, event(pad=LARGEST_PAD)))[0] is None:
        pass
    assert await gathered(it, record(Kind.REFUSAL, 998), event()) == [no_room] * 2
    assert await gathered(it, *(outcome(number, pad=LARGEST_PAD) for number in begun)) == [None] * len(begun)
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
    it = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    while it.log._writer._has_room(event()):
        await it.log.append(event(pad=LARGEST_PAD))
    with pytest.raises(Refused, match="no room") as caught:
        await it.log.append(event())
    assert (caught.value.reasons[0].code, caught.value.retry_after_s) == ("audit_unavailable", 1)
    full.is_on = False
    await it.log.aclose()


async def test_where_one_record_has_room_an_exchange_may_have_none(tmp_path: Path) -> None:
    it = Opened(tmp_path, segment_bytes=SMALL_SEGMENT_BYTES).start()
    assert it.log.has_room
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    while it.log.has_room:
        await it.log.append(event(pad=LARGEST_PAD))
    assert await gathered(it, intent(1), event()) == ["the audit log has no room on its disk", None]
    full.is_on = False
    await until(lambda: it.log.has_room)
    assert await gathered(it, intent(1), outcome(1)) == [None, None]
    await it.log.aclose()


async def test_a_log_that_nobody_waits_for_refuses_nothing_and_so_has_room(tmp_path: Path) -> None:
    it = Opened(tmp_path, required=False, segment_bytes=SMALL_SEGMENT_BYTES).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    for number in range(60):
        await it.log.append(intent(number, pad=LARGEST_PAD))
    await until(lambda: it.log.dropped_total > 0)
    assert it.log.has_room
    full.is_on = False
    await it.log.aclose()


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


async def test_what_is_dropped_for_want_of_room_is_counted_and_told_when_there_is_room_again(tmp_path: Path) -> None:
    it = Opened(tmp_path, required=False, segment_bytes=SMALL_SEGMENT_BYTES).start()
    full = Fail(it.files, lambda call: call.name == "reserve", errno.ENOSPC)
    for number in range(60):
        await it.log.append(intent(number, pad=LARGEST_PAD))
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
