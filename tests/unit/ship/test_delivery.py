from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.ship.collector import Accepted, Rejected, Signal
from sidecar.ship.delivery import Delivery
from sidecar.ship.destination import Unavailable
from sidecar.ship.encode import Encoder
from sidecar.ship.log_record import LogData
from sidecar.ship.span import SpanData
from tests.unit.ship.scripted import ExportLogsServiceRequest, ExportTraceServiceRequest, logs_of, spans_of

ENCODER = Encoder("e" * 32, "1")
LOGS = [LogData("sidecar.start", 1, {}, {})]


def span(number: int) -> SpanData:
    return SpanData("POST", "b" * 32, f"{number:016x}", None, 1, 2, {}, (), is_error=False)


class Picky:
    """Takes what has no poison in it and is not too long, and is away before every n-th request."""

    def __init__(self, poison: set[int], *, limit: int = 1_000, away_each: int = 0, sound: bool = True) -> None:
        self.taken: list[int] = []
        self.logs = 0
        self.requests = 0
        self._poison = poison
        self._limit = limit
        self._away_each = away_each
        self._sound = sound
        self._is_away = False

    def send(self, signal: Signal, request: bytes) -> Accepted | Rejected:
        self.requests += 1
        self._is_away = not self._is_away and self._away_each > 0 and self.requests % self._away_each == 0
        if self._is_away:
            raise Unavailable("away")
        if signal is Signal.LOGS:
            self.logs += len(logs_of(ExportLogsServiceRequest.FromString(request)))
            return Accepted(0, "")
        numbers = [int(each.span_id.hex(), 16) for each in spans_of(ExportTraceServiceRequest.FromString(request))]
        if len(numbers) > self._limit:
            return Rejected(413, "too long")
        if self._poison.intersection(numbers):
            return Rejected(400, "poison")
        self.taken += numbers
        return Accepted(0, "")

    def is_sound(self) -> bool:
        return self._sound


def deliver(delivery: Delivery, sender: Picky) -> None:
    """As often as it takes."""
    for _ in range(10_000):
        try:
            delivery.run(sender, ENCODER)
        except Unavailable:
            continue
        return


@given(st.sets(st.integers(0, 40)), st.integers(0, 41), st.integers(1, 50), st.sampled_from([0, 2, 3, 5]))
def test_all_but_the_rejected_arrive_once_whatever_happens_between(
    poison: set[int], count: int, limit: int, away_each: int
) -> None:
    delivery = Delivery([*map(span, range(count)), *LOGS])
    sender = Picky(poison, limit=limit, away_each=away_each)
    deliver(delivery, sender)
    good = [number for number in range(count) if number not in poison]
    assert (sender.taken, sender.logs) == (good, 1)
    assert (delivery.shipped, delivery.rejected) == (len(good) + 1, count - len(good))


def test_the_one_that_is_rejected_is_found_by_halving() -> None:
    sender = Picky({700})
    deliver(Delivery([*map(span, range(1_024))]), sender)
    assert len(sender.taken) == 1_023
    assert sender.requests == 1 + 2 * 10


def test_nothing_is_rejected_where_the_collector_rejects_everything() -> None:
    delivery = Delivery([span(1)])
    with pytest.raises(Unavailable, match="it rejects even an empty request: poison"):
        delivery.run(Picky({1}, sound=False), ENCODER)
    assert (delivery.shipped, delivery.rejected) == (0, 0)


class Partial(Picky):
    """Says that it took a part."""

    def __init__(self, answer: Accepted | Rejected) -> None:
        super().__init__(set())
        self._answer = answer

    def send(self, signal: Signal, request: bytes) -> Accepted | Rejected:
        super().send(signal, request)
        return self._answer


@pytest.mark.parametrize(
    ("answer", "counted"),
    [
        (Accepted(2, "too old"), (3, 2)),
        (Accepted(99, "nonsense"), (0, 5)),
        (Rejected(404, "takes no such thing", is_all=True), (0, 5)),
    ],
)
def test_what_the_collector_drops_is_counted_and_told(
    caplog: pytest.LogCaptureFixture, answer: Accepted | Rejected, counted: tuple[int, int]
) -> None:
    delivery, sender = Delivery([*map(span, range(5))]), Partial(answer)
    delivery.run(sender, ENCODER)
    assert ((delivery.shipped, delivery.rejected), sender.requests) == (counted, 1)
    assert answer.message in caplog.text


def test_a_warning_without_rejections_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """OTLP: a partial success with 0 rejected is a warning."""
    delivery = Delivery([span(1)])
    delivery.run(Partial(Accepted(0, "deprecated")), ENCODER)
    assert (delivery.shipped, delivery.rejected) == (1, 0)
    assert "deprecated" in caplog.text
