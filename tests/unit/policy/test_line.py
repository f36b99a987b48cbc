"""Who asks in one turn of the loop is answered after it, in order, each by itself."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.policy.line import Line
from sidecar.policy.port import Answer


class Evaluator:
    """Answers with the question; `bad` raises, and whatever it does is told in order."""

    def __init__(self, told: list[str]) -> None:
        self.told = told

    def __call__(self, input_json: bytes) -> Answer:
        self.told.append(f"evaluated {input_json.decode()}")
        if input_json == b"bad":
            raise KeyError(input_json)
        return Answer(input_json, "r1")


async def ask(line: Line, evaluate: Evaluator, question: bytes) -> Answer:
    evaluate.told.append(f"asked {question.decode()}")
    try:
        return await line.ask(evaluate, question)
    finally:
        evaluate.told.append(f"left {question.decode()}")


async def test_questions_of_one_turn_are_evaluated_in_a_row() -> None:
    line, told = Line(), list[str]()
    evaluate = Evaluator(told)
    answers = await asyncio.gather(*[ask(line, evaluate, question) for question in (b"a", b"b", b"c")])
    assert answers == [Answer(b"a", "r1"), Answer(b"b", "r1"), Answer(b"c", "r1")]
    assert told == [
        *("asked a", "asked b", "asked c"),
        *("evaluated a", "evaluated b", "evaluated c"),
        *("left a", "left b", "left c"),
    ]


async def test_a_later_turn_has_a_line_of_its_own() -> None:
    line, told = Line(), list[str]()
    evaluate = Evaluator(told)
    assert [(await line.ask(evaluate, question)).value for question in (b"a", b"b")] == [b"a", b"b"]


async def test_one_that_fails_is_told_alone() -> None:
    line, evaluate = Line(), Evaluator([])
    first, failed, last = await asyncio.gather(
        *[line.ask(evaluate, question) for question in (b"a", b"bad", b"c")], return_exceptions=True
    )
    assert (first, last) == (Answer(b"a", "r1"), Answer(b"c", "r1"))
    assert isinstance(failed, KeyError)


async def test_who_left_is_not_evaluated() -> None:
    line, told = Line(), list[str]()
    evaluate = Evaluator(told)
    gone, staying = (asyncio.create_task(line.ask(evaluate, question)) for question in (b"gone", b"staying"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await staying == Answer(b"staying", "r1")
    with pytest.raises(asyncio.CancelledError):
        await gone
    assert told == ["evaluated staying"]


async def test_a_flush_answers_at_once_and_nobody_twice() -> None:
    line, told = Line(), list[str]()
    evaluate = Evaluator(told)
    asking = asyncio.create_task(line.ask(evaluate, b"a"))
    await asyncio.sleep(0)
    line.flush()
    assert told == ["evaluated a"]
    assert await asking == Answer(b"a", "r1")
    await asyncio.sleep(0)
    assert told == ["evaluated a"]
