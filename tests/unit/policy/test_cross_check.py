from __future__ import annotations

import logging

import pytest

from sidecar.model.refusal import refused
from sidecar.policy.cross_check import WAITING_LIMIT, CrossCheck, CrossChecked
from sidecar.policy.events import NoEvents
from sidecar.policy.port import UNDEFINED, Answer
from tests.policies import until
from tests.support import FixedClock

pytestmark = pytest.mark.anyio

ALLOW = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 1.5}
DENY = {
    "allow": False,
    "reasons": [{"code": "data_stale", "message": "too old", "rule": "staleness"}],
    "shadow": [],
    "obligations": [],
    "ttl_s": 0,
}


class Opa:
    """Answers what it is told to; an answer that is no value is raised."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[bytes] = []
        self.is_closed = False

    async def ask_one(self, input_json: bytes, timeout_s: float) -> Answer:
        assert timeout_s > 0
        self.asked.append(input_json)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def aclose(self) -> None:
        self.is_closed = True


class Results(NoEvents):
    def __init__(self) -> None:
        self.results: list[str] = []

    def cross_checked(self, result: str) -> None:
        self.results.append(result)


class Scripted:
    """An engine with one answer."""

    kind = "embedded"
    is_closed = False

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def decide(self, input_json: bytes) -> Answer:
        assert input_json == b"{}"
        return self.answer

    async def facts(self) -> Answer:
        return Answer({}, "r1")

    async def aclose(self) -> None:
        self.is_closed = True


async def result(ours: Answer, theirs: Answer | Exception) -> str:
    events, opa = Results(), Opa(theirs)
    check = CrossCheck(opa, 1.0, FixedClock(), events)
    check.start()
    check.offer(b"{}", ours)
    await until(lambda: events.results)
    await check.aclose()
    assert (opa.asked, opa.is_closed) == ([b"{}"], True)
    (told,) = events.results
    return told


@pytest.mark.parametrize(
    ("ours", "theirs", "told"),
    [
        (Answer(ALLOW, "r1"), Answer(ALLOW, "r1"), "same"),
        (Answer(ALLOW, "r1"), Answer(ALLOW | {"ttl_s": 1.5000000000000002}, "r1"), "same"),
        (Answer(ALLOW, "r1"), Answer(ALLOW | {"ttl_s": 2.5}, "r1"), "different"),
        (Answer(ALLOW, "r1"), Answer(DENY, "r1"), "different"),
        (Answer(ALLOW, "r1"), Answer(DENY, "r2"), "skipped"),
        (Answer(ALLOW, "r1"), Answer(UNDEFINED, "r1"), "different"),
        (Answer(UNDEFINED, "r1"), Answer(UNDEFINED, "r1"), "same"),
        (Answer(UNDEFINED, "r1"), Answer([], "r1"), "different"),
        (Answer(ALLOW, "r1"), refused("policy_timeout", "too slow"), "unavailable"),
        (Answer(ALLOW, "r1"), ValueError("unexpected"), "unavailable"),
    ],
)
async def test_two_answers_are_the_same_or_not(ours: Answer, theirs: Answer | Exception, told: str) -> None:
    assert await result(ours, theirs) == told


async def test_a_difference_is_logged_with_both_answers_once_a_second_and_without_the_input(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock, events = FixedClock(), Results()
    check = CrossCheck(Opa(*[Answer(DENY, "r1")] * 3), 1.0, clock, events)
    check.start()
    for count in range(1, 4):
        check.offer(b'{"secret": 1}', Answer(ALLOW, "r1"))
        await until(lambda: len(events.results) == count)  # noqa: B023 - it is awaited here
        clock.advance(0.6)
    await check.aclose()
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert '"embedded":{"allow":true,' in caplog.text
    assert '"opa":{"allow":false,"reasons":[{"code":"data_stale",' in caplog.text
    assert '"revision":"r1"' in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(("share", "asked"), [(0.0, 0), (0.5, 5), (1.0, 10)])
async def test_a_share_is_asked(share: float, asked: int) -> None:
    chances = iter([0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95])
    opa, events = Opa(*[Answer(ALLOW, "r1")] * 10), Results()
    check = CrossCheck(opa, share, FixedClock(), events, chance=lambda: next(chances))
    check.start()
    for _ in range(10):
        check.offer(b"{}", Answer(ALLOW, "r1"))
    await until(lambda: len(events.results) == asked)
    await check.aclose()
    assert events.results == ["same"] * asked


async def test_what_there_is_no_room_for_is_counted_and_waits_for_nobody() -> None:
    events = Results()
    check = CrossCheck(Opa(), 1.0, FixedClock(), events)
    for _ in range(WAITING_LIMIT + 2):
        check.offer(b"{}", Answer(ALLOW, "r1"))
    assert events.results == ["dropped"] * 2
    await check.aclose()


async def test_an_engine_that_is_checked_answers_as_before() -> None:
    opa, events = Opa(Answer(DENY, "r1")), Results()
    check = CrossCheck(opa, 1.0, FixedClock(), events)
    check.start()
    inner = Scripted(Answer(ALLOW, "r1"))
    engine = CrossChecked(inner, check)
    assert (await engine.decide(b"{}"), await engine.facts()) == (Answer(ALLOW, "r1"), Answer({}, "r1"))
    await until(lambda: events.results == ["different"])
    await engine.aclose()
    assert (engine.kind, inner.is_closed, opa.is_closed) == ("embedded", True, False)
    await check.aclose()
