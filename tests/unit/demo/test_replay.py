from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.applications import INPUTS, Application
from sidecar.demo.calls import GOOD, MISTAKES, Caller
from sidecar.demo.credit_model import CreditModel
from sidecar.demo.people import Issuer
from sidecar.demo.processes import server
from sidecar.demo.replay import CONCURRENCY, WARM_UP_CALLS, Answer, Clients, Latency, at

if TYPE_CHECKING:
    from pathlib import Path

PEOPLE = [Application(1, "white", tuple(1.0 for _ in INPUTS), approved=True)]
MODEL = CreditModel(tuple(INPUTS), tuple(0.0 for _ in INPUTS), 0.0, 0.5)


@pytest.mark.parametrize(("quantile", "value"), [(0.0, 1), (0.5, 6), (0.99, 10), (1.0, 10)])
def test_at_is_the_nearest_rank(quantile: float, value: float) -> None:
    assert at(quantile, [3, 1, 2, 10, 9, 8, 4, 5, 6, 7]) == value


def test_added_is_the_difference_of_quantiles() -> None:
    latency = Latency(direct_ms=(1.0, 2.0, 3.0), guarded_ms=(6.0, 4.0, 5.0))
    assert (latency.added_ms(0.5), latency.added_ms(0.99)) == (3.0, 3.0)


def test_all_calls_are_sent_and_measured_both_ways(tmp_path: Path) -> None:
    """Against a real model server in the place of both: it answers without a decision id."""
    (tmp_path / "model.json").write_text(MODEL.to_json())
    caller = Caller(Issuer(), Issuer(), 1_795_300_000.0)
    broken = next(kind for kind in MISTAKES if "half a body" in kind.told)
    advances: list[None] = []

    async def run() -> tuple[list[Answer], Latency, list[Answer], int]:
        arguments = [f"credit={tmp_path / 'model.json'}"]
        async with server("sidecar.demo.model_server", arguments, tmp_path / "log") as ready:
            clients = Clients(ready["listen"], ready["listen"])
            try:
                replayed = await clients.replay(
                    caller.calls(PEOPLE, [GOOD] * 40 + [broken]), lambda: advances.append(None)
                )
                pairs = caller.calls(PEOPLE, [GOOD] * (WARM_UP_CALLS + 5))
                latency, measured = await clients.measure(pairs, lambda: None)
                return replayed, latency, measured, await clients.inferences()
            finally:
                await clients.aclose()

    replayed, latency, measured, inferences = asyncio.run(run())
    assert sorted((answer.status, answer.codes) for answer in replayed) == [(200, ())] * 40 + [(400, ())]
    assert len(advances) == 41
    assert (len(latency.direct_ms), len(latency.guarded_ms)) == (5, 5)
    assert min(*latency.direct_ms, *latency.guarded_ms) > 0
    assert inferences == 41 + 2 * len(measured) == 41 + 2 * 25


def test_a_call_without_an_answer_is_noted_not_raised() -> None:
    async def run() -> list[Answer]:
        clients = Clients("127.0.0.1:1", "127.0.0.1:1")
        try:
            calls = Caller(Issuer(), Issuer(), 1_795_300_000.0).calls(PEOPLE, [GOOD])
            return await clients.replay(calls, lambda: None)
        finally:
            await clients.aclose()

    (answer,) = asyncio.run(run())
    assert (answer.status, answer.decision_id, answer.codes) == (0, "", ("Unreachable",))


def test_after_the_last_answer_no_more_calls_are_made(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(MODEL.to_json())
    broken = next(kind for kind in MISTAKES if "half a body" in kind.told)

    async def run() -> list[Answer]:
        arguments = [f"credit={tmp_path / 'model.json'}"]
        async with server("sidecar.demo.model_server", arguments, tmp_path / "log") as ready:
            clients = Clients(ready["listen"], ready["listen"])
            calls = Caller(Issuer(), Issuer(), 1_795_300_000.0).calls(PEOPLE, [GOOD] * 10 + [broken] + [GOOD] * 500)
            try:
                return await clients.replay(calls, lambda: None, lambda answer: answer.status == 400)
            finally:
                await clients.aclose()

    answers = asyncio.run(run())
    assert [answer.status for answer in answers].count(400) == 1
    assert 11 <= len(answers) <= 11 + 2 * CONCURRENCY
