from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.ledger.segments import Damaged
from sidecar.ship import otlp
from sidecar.ship.collector import Collector
from sidecar.ship.cursor import Cursor, CursorFile
from sidecar.ship.destination import Unavailable
from sidecar.ship.environment import read_environment
from sidecar.ship.otlp import OtlpDestination
from tests.unit.ship.ledgers import WrittenLog, decision_id, event, intent, outcome, refusal, summary
from tests.unit.ship.scripted import Answer, ScriptedCollector, plain, rejected

if TYPE_CHECKING:
    from collections.abc import Callable

PADDING = "x" * 1_000


def shipper(log: WrittenLog, collector: ScriptedCollector) -> OtlpDestination:
    """A shipper as each start makes one."""
    return OtlpDestination(log.layout, cursor_file(log), Collector(collector.url, read_environment({})), "1.2.3")


def cursor_file(log: WrittenLog) -> CursorFile:
    return CursorFile(log.layout.cursors, "otlp")


def cursor(log: WrittenLog) -> Cursor:
    found = cursor_file(log).read()
    assert found is not None
    return found


def drain(destination: OtlpDestination) -> None:
    while destination.round(is_last=False):
        pass


def ids(*numbers: int) -> list[str]:
    return [decision_id(number) for number in numbers]


def test_only_what_the_checkpoint_covers_is_shipped(log: WrittenLog, collector: ScriptedCollector) -> None:
    it = shipper(log, collector)
    log.write(refusal(1))
    assert not it.round(is_last=False)
    assert collector.got == []
    log.sign()
    log.write(refusal(2))
    drain(it)
    assert collector.decisions == ids(1)
    log.sign()
    drain(it)
    drain(it)
    assert collector.decisions == ids(1, 2)


def test_every_kind_arrives_and_the_cursor_says_so(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(event("start"), intent(1), refusal(2), intent(3), outcome(1), summary())
    drain(shipper(log, collector))
    assert collector.decisions == ids(2, 1)
    assert [record.event_name for record in collector.logs] == ["sidecar.start", "sidecar.refusals_summarised"]
    found = cursor(log)
    assert (found.log, found.next, found.open) == (log.log_id, 6, (3,))
    assert (found.shipped, found.rejected) == (4, 0)
    resource = collector.got[0].message.resource_spans[0].resource  # type: ignore[union-attr]
    assert plain(resource.attributes)["service.instance.id"] == log.log_id


def test_an_open_intent_survives_a_restart(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(intent(1), *[event(padding=PADDING)] * 9, intent(2), outcome(2))
    drain(shipper(log, collector))
    log.write_signed(outcome(1))
    drain(shipper(log, collector))
    assert collector.decisions == ids(2, 1)
    assert plain(collector.spans[-1].attributes)["http.request.method"] == "POST"  # which only the INTENT knows
    assert cursor(log).open == ()


def test_batches_are_bounded_and_nothing_is_sent_twice(
    log: WrittenLog, collector: ScriptedCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "BATCH_RECORDS", 5)
    log.write_signed(*map(refusal, range(23)))
    it = shipper(log, collector)
    assert it.round(is_last=False)
    assert cursor(log).next == 5
    drain(it)
    assert collector.decisions == ids(*range(23))
    assert len(collector.got) == 5


def test_batches_are_bounded_in_bytes(
    log: WrittenLog, collector: ScriptedCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "BATCH_BYTES", 2_500)
    log.write_signed(*[event(padding=PADDING)] * 6)
    drain(shipper(log, collector))
    assert [len(got.message.resource_logs[0].scope_logs[0].log_records) for got in collector.got] == [3, 3]  # type: ignore[union-attr]


def dead(collector: ScriptedCollector) -> None:
    collector.fallback = Answer(503)


def gone(collector: ScriptedCollector) -> None:
    collector.fallback = Answer(raw=b"")


def refusing_all(collector: ScriptedCollector) -> None:
    collector.fallback = Answer(400)


@pytest.mark.parametrize("trouble", [dead, gone, refusing_all])
def test_a_collector_in_trouble_loses_nothing(
    log: WrittenLog, collector: ScriptedCollector, trouble: Callable[[ScriptedCollector], None]
) -> None:
    log.write_signed(intent(1), refusal(2), event(), outcome(1))
    it = shipper(log, collector)
    trouble(collector)
    for _ in range(3):
        with pytest.raises(Unavailable):
            it.round(is_last=False)
    log.write_signed(refusal(3))
    collector.fallback = Answer()
    drain(it)
    assert collector.decisions == ids(2, 1, 3)
    assert (cursor(log).next, cursor(log).shipped, cursor(log).rejected) == (5, 4, 0)


def test_what_was_acknowledged_of_a_batch_is_not_sent_again_by_this_process(
    log: WrittenLog, collector: ScriptedCollector
) -> None:
    log.write_signed(refusal(1), event())
    it = shipper(log, collector)
    collector.by_path["/v1/logs"] = Answer(503)
    with pytest.raises(Unavailable):
        it.round(is_last=False)
    assert cursor(log).next == 0  # the batch is not acknowledged as a whole
    collector.by_path.clear()
    drain(it)
    assert (collector.decisions, len(collector.logs)) == (ids(1), 1)


def test_a_repeat_after_a_crash_has_the_same_ids(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(intent(1), outcome(1), event())
    shipper(log, collector).round(is_last=False)
    cursor_file(log).path.unlink()
    drain(shipper(log, collector))
    first, second = collector.spans
    assert first == second
    assert collector.logs[0] == collector.logs[1]


def test_the_one_that_is_refused_is_counted_and_the_rest_arrives(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(*map(refusal, range(10)))
    collector.poison = set(ids(3))
    drain(shipper(log, collector))
    assert collector.decisions == ids(*(number for number in range(10) if number != 3))
    assert (cursor(log).shipped, cursor(log).rejected) == (9, 1)


def test_a_partial_success_is_counted(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(*map(refusal, range(4)))
    collector.answers.append(rejected(3, "too old"))
    drain(shipper(log, collector))
    assert (cursor(log).next, cursor(log).shipped, cursor(log).rejected) == (4, 1, 3)


def test_a_collector_without_logs_gets_its_spans(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(event(), refusal(1))
    collector.by_path["/v1/logs"] = Answer(404)
    drain(shipper(log, collector))
    assert (collector.decisions, cursor(log).next, cursor(log).rejected) == (ids(1), 2, 1)


def test_a_record_of_another_version_is_counted_and_holds_up_nothing(
    log: WrittenLog, collector: ScriptedCollector, caplog: pytest.LogCaptureFixture
) -> None:
    log.write_signed({"kind": "LATER"}, refusal(1))
    drain(shipper(log, collector))
    assert (collector.decisions, cursor(log).rejected) == (ids(1), 1)
    assert "record 0 stays on record and is not shipped" in caplog.text


def test_a_cursor_of_another_log_starts_over(
    log: WrittenLog, collector: ScriptedCollector, caplog: pytest.LogCaptureFixture
) -> None:
    log.write_signed(refusal(1))
    cursor_file(log).write(Cursor("f" * 32, next=900, open=(3,)))
    drain(shipper(log, collector))
    assert collector.decisions == ids(1)
    assert "the cursor is of the log ffff" in caplog.text


def test_damage_in_the_newest_segment_stops_it_and_says_where(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(refusal(1), refusal(2))
    path, it = log.layout.segment(0), shipper(log, collector)
    content = path.read_bytes()
    path.write_bytes(content.replace(orjson.dumps("r-2"), orjson.dumps("r-3")))
    assert it.round(is_last=False)
    with pytest.raises(Damaged, match="CRC-32C"):
        it.round(is_last=False)
    assert collector.decisions == ids(1)


@pytest.mark.parametrize("harm", ["altered", "gone"])
def test_damage_in_a_closed_segment_is_left_out_and_told(
    harm: str, log: WrittenLog, collector: ScriptedCollector, caplog: pytest.LogCaptureFixture
) -> None:
    log.write_signed(intent(1))
    harmed = begin_segment(log)
    log.write_signed(refusal(2))
    behind = begin_segment(log)
    log.write_signed(refusal(3))
    path = log.layout.segment(harmed)
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1])
    drain(shipper(log, collector))
    told = [message for message in caplog.messages if "are not shipped, nor the 1 exchanges open there" in message]
    assert len(told) == 1
    assert set(collector.decisions) - set(ids(2)) == set(ids(3))
    assert cursor(log).next == log.size
    assert 1 < cursor(log).rejected <= behind - harmed + 1  # the INTENT that may have had its OUTCOME there counts too


def begin_segment(log: WrittenLog) -> int:
    """Fills the newest segment; the first record of the next."""
    before = log.first_of_newest
    while log.first_of_newest == before:
        log.write_signed(event(padding="x" * 1_000))
    return log.first_of_newest


def test_when_damage_is_mended_the_exchanges_are_whole(log: WrittenLog, collector: ScriptedCollector) -> None:
    log.write_signed(intent(1), outcome(1), refusal(2))
    path, it = log.layout.segment(0), shipper(log, collector)
    content = path.read_bytes()
    path.write_bytes(content.replace(orjson.dumps("r-2"), orjson.dumps("r-3")))
    assert it.round(is_last=False)
    for _ in range(2):
        with pytest.raises(Damaged):
            it.round(is_last=False)
    path.write_bytes(content)
    drain(it)
    assert collector.decisions == ids(1, 2)
    assert plain(collector.spans[0].attributes)["http.request.method"] == "POST"
