from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.model.refusal import Refused, refused
from sidecar.policy.batch import BATCH_LIMIT, IN_FLIGHT_LIMIT, WAITING_LIMIT, Batcher, BatchFailed
from sidecar.policy.port import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Engine:
    """Answers each question with itself, but only while its gate is open. Keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, ...]] = []
        self.gate = asyncio.Event()
        self.fail_many: Exception | None = None
        self.fail_one: Callable[[bytes], Exception | None] = lambda _: None

    async def ask_one(self, input_json: bytes, timeout_s: float) -> Answer:
        self.asked.append((input_json,))
        await self.gate.wait()
        if (failure := self.fail_one(input_json)) is not None:
            raise failure
        return Answer(input_json, "r1")

    async def ask_many(self, inputs_json: Sequence[bytes], timeout_s: float) -> Sequence[Answer]:
        self.asked.append(tuple(inputs_json))
        await self.gate.wait()
        if self.fail_many is not None:
            raise self.fail_many
        return [Answer(input_json, "r1") for input_json in inputs_json]


def ask(batcher: Batcher, *names: str) -> list[asyncio.Task[Answer]]:
    return [asyncio.create_task(batcher.ask(name.encode())) for name in names]


async def turn() -> None:
    """Lets every task that is ready come to its next wait."""
    for _ in range(5):
        await asyncio.sleep(0)


async def code_of(task: asyncio.Task[Answer]) -> str:
    with pytest.raises(Refused) as raised:
        await task
    return raised.value.reasons[0].code


async def test_the_first_go_at_once_and_the_rest_together() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    tasks = ask(batcher, *"abcde")
    await turn()
    assert engine.asked == [(b"a",), (b"b",)]
    engine.gate.set()
    assert [(await task).value for task in tasks] == [b"a", b"b", b"c", b"d", b"e"]
    assert engine.asked[IN_FLIGHT_LIMIT:] == [(b"c", b"d", b"e")]


async def test_a_batch_has_a_limit_and_one_alone_goes_alone() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    tasks = ask(batcher, *[str(number) for number in range(IN_FLIGHT_LIMIT + BATCH_LIMIT + 1)])
    await turn()
    engine.gate.set()
    await asyncio.gather(*tasks)
    assert [len(inputs) for inputs in engine.asked] == [1, 1, BATCH_LIMIT, 1]


async def test_who_waits_too_long_is_refused_and_not_asked() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=0.05)
    tasks = ask(batcher, *"abc")
    assert await code_of(tasks[2]) == "policy_timeout"
    engine.gate.set()
    await asyncio.gather(*tasks[:2])
    assert engine.asked == [(b"a",), (b"b",)]


async def test_the_line_has_an_end() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    tasks = ask(batcher, *[str(number) for number in range(IN_FLIGHT_LIMIT + WAITING_LIMIT + 1)])
    await turn()
    assert await code_of(tasks[-1]) == "overloaded"
    engine.gate.set()
    await asyncio.gather(*tasks[:-1])


async def test_a_batch_that_broke_is_asked_one_by_one_and_one_refusal_is_one_refusal() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    engine.fail_many = BatchFailed()
    engine.fail_one = lambda name: refused("policy_malformed", "no") if name == b"d" else None
    tasks = ask(batcher, *"abcde")
    await turn()
    engine.gate.set()
    assert await code_of(tasks[3]) == "policy_malformed"
    assert [(await task).value for task in (*tasks[:3], tasks[4])] == [b"a", b"b", b"c", b"e"]


async def test_a_dead_engine_refuses_the_whole_batch_at_once() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    engine.fail_many = refused("policy_unavailable", "dead")
    tasks = ask(batcher, *"abcd")
    await turn()
    engine.gate.set()
    assert [await code_of(task) for task in tasks[2:]] == ["policy_unavailable"] * 2
    assert len(engine.asked) == 3


async def test_a_caller_that_goes_leaves_its_place() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    tasks = ask(batcher, *"abcd")
    await turn()
    tasks[0].cancel()  # in flight
    tasks[2].cancel()  # in line
    await turn()
    assert engine.asked == [(b"a",), (b"b",), (b"d",)]
    engine.gate.set()
    assert [(await task).value for task in (tasks[1], tasks[3])] == [b"b", b"d"]


async def test_draining_waits_for_the_last_answer() -> None:
    engine, batcher = (engine := Engine()), Batcher(engine, timeout_s=5)
    await batcher.drain()
    tasks = ask(batcher, *"abc")
    await turn()
    draining = asyncio.create_task(batcher.drain())
    await turn()
    assert not draining.done()
    engine.gate.set()
    await draining
    assert all(task.done() for task in tasks)
