from __future__ import annotations

import orjson
import pytest

from sidecar.ship import exchanges
from sidecar.ship.exchanges import Exchanges, Unreadable
from sidecar.ship.log_record import read_log_record
from sidecar.ship.span import SpanData, read_span
from tests.unit.ship.ledgers import START_NS, event, intent, outcome, refusal, summary

LOG = "a" * 32


def placed(body: dict[str, object], sequence: int) -> bytes:
    return orjson.dumps({"v": 1, "log": LOG, "sequence": sequence, "time_unix_ns": START_NS + sequence, **body})


def test_an_exchange_is_one_span_when_its_outcome_comes() -> None:
    it = Exchanges()
    first, second = placed(intent(1), 4), placed(intent(2), 5)
    closing = placed(outcome(1), 6)
    assert list(it.take(first)) == list(it.take(second)) == []
    assert it.open == (4, 5)
    assert list(it.take(closing)) == [read_span(orjson.loads(first), orjson.loads(closing))]
    assert it.open == (5,)


def test_an_intent_that_was_read_before_waits_all_the_same() -> None:
    it = Exchanges()
    opening, closing = placed(intent(1), 4), placed(outcome(1), 6)
    it.wait(opening)
    assert it.open == (4,)
    assert list(it.take(closing)) == [read_span(orjson.loads(opening), orjson.loads(closing))]


def test_all_other_kinds_are_ready_at_once() -> None:
    it = Exchanges()
    refused, happened, counted = placed(refusal(1), 1), placed(event("stop"), 2), placed(summary(), 3)
    assert list(it.take(refused)) == [read_span(orjson.loads(refused))]
    assert list(it.take(happened)) == [read_log_record(orjson.loads(happened))]
    assert list(it.take(counted)) == [read_log_record(orjson.loads(counted))]
    assert it.open == ()


def test_an_outcome_alone_is_shipped_alone() -> None:
    closing = placed(outcome(1), 6)
    [span] = Exchanges().take(closing)
    assert isinstance(span, SpanData)
    assert (span.attributes["sidecar.result"], span.start_unix_ns, span.parent_span_id) == (
        "released",
        START_NS + 6,
        None,
    )


@pytest.mark.parametrize(("limit", "value"), [("OPEN_LIMIT", 2), ("OPEN_LIMIT_BYTES", 1_500)])
def test_beyond_a_limit_the_oldest_intent_is_passed_on_and_nothing_is_left_out(
    monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    monkeypatch.setattr(exchanges, limit, value)
    it = Exchanges()
    shipped = [item for number in range(6) for item in it.take(placed(intent(number), number))]
    shipped += [item for number in range(6) for item in it.take(placed(outcome(number), 10 + number))]
    spans = [item for item in shipped if isinstance(item, SpanData)]
    assert 2 <= len(spans) - 6 <= 4
    assert sum("sidecar.result" not in span.attributes for span in spans) == len(spans) - 6
    assert {span.attributes["sidecar.audit.sequence"] for span in spans} >= set(range(10, 16))
    assert it.open == ()


@pytest.mark.parametrize("record", [b"{", b"[]", b"{}", placed({"kind": "LATER"}, 1), placed({"kind": "OUTCOME"}, 1)])
def test_a_record_of_another_version_is_told(record: bytes) -> None:
    with pytest.raises(Unreadable):
        list(Exchanges().take(record))
