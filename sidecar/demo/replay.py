"""Sending the calls, over keep-alive connections, and noting what comes back."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.http1.errors import ExchangeFailed
from sidecar.http1.pool import Pool
from sidecar.http1.target import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sidecar.demo.applications import Application
    from sidecar.demo.calls import Call, Kind
    from sidecar.model.message import Response

CONCURRENCY = 16
TIMEOUT_S = 10.0
WARM_UP_CALLS = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller saw of one call through the sidecar. Status 0: no answer at all."""

    kind: Kind
    application: Application
    status: int
    decision_id: str
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latency:
    """Round trips in milliseconds, one at a time: straight to the model server, and through the sidecar."""

    direct_ms: tuple[float, ...]
    guarded_ms: tuple[float, ...]

    def added_ms(self, quantile: float) -> float:
        """How much later the quantile is with the sidecar."""
        return at(quantile, self.guarded_ms) - at(quantile, self.direct_ms)


def at(quantile: float, values: Sequence[float]) -> float:
    """The quantile by nearest rank; `values` not empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(quantile * len(ordered)))]


class Clients:
    """Connections to the sidecar and, for comparison, straight to the model server."""

    def __init__(self, sidecar: str, model_server: str) -> None:
        self._sidecar = Pool(Target.parse(f"http://{sidecar}"), max_connections=CONCURRENCY)
        self._model_server = Pool(Target.parse(f"http://{model_server}"), max_connections=1)

    async def replay(
        self,
        calls: Iterator[Call],
        advance: Callable[[], None],
        is_last: Callable[[Answer], bool] = lambda _: False,
        *,
        pause_s: float = 0.0,
    ) -> list[Answer]:
        """All calls, `CONCURRENCY` at a time with a pause after each; `advance` is called then.

        After an answer that `is_last` no more calls are made; those under way still come to their end.
        """
        answers: list[Answer] = []
        ended = False

        async def client() -> None:
            nonlocal ended
            for call in calls:  # the iterator is shared: each client takes the next that is left
                answers.append(await self.ask(call))
                advance()
                ended = ended or is_last(answers[-1])
                if ended:
                    return
                await asyncio.sleep(pause_s)

        async with asyncio.TaskGroup() as clients:
            for _ in range(CONCURRENCY):
                clients.create_task(client())
        return answers

    async def measure(self, calls: Iterator[Call], advance: Callable[[], None]) -> tuple[Latency, list[Answer]]:
        """Each call both ways in turn, one at a time, after a few to warm up, which do not count."""
        direct_ms: list[float] = []
        guarded_ms: list[float] = []
        answers: list[Answer] = []
        for call in calls:
            started_ns = time.perf_counter_ns()
            await self._send(self._model_server, call)
            between_ns = time.perf_counter_ns()
            answers.append(await self.ask(call))
            ended_ns = time.perf_counter_ns()
            direct_ms.append((between_ns - started_ns) / 1e6)
            guarded_ms.append((ended_ns - between_ns) / 1e6)
            advance()
        latency = Latency(tuple(direct_ms[WARM_UP_CALLS:]), tuple(guarded_ms[WARM_UP_CALLS:]))
        return latency, answers

    async def inferences(self) -> int:
        """How many inferences the model server has made."""
        response = await self._model_server.send(b"GET", b"/calls", (), b"", timeout_s=TIMEOUT_S)
        return int(orjson.loads(response.body)["inferences"])

    async def aclose(self) -> None:
        """Ends all connections."""
        await self._sidecar.aclose()
        await self._model_server.aclose()

    async def ask(self, call: Call) -> Answer:
        """One call through the sidecar."""
        try:
            return _answer(call, await self._send(self._sidecar, call))
        except ExchangeFailed as failed:
            return Answer(call.kind, call.application, 0, "", (type(failed).__name__,))

    async def _send(self, pool: Pool, call: Call) -> Response:
        return await pool.send(b"POST", call.path.encode(), call.headers, call.body, timeout_s=TIMEOUT_S)


def _answer(call: Call, response: Response) -> Answer:
    decision_id = b"".join(response.header_values(b"x-decision-id")).decode()
    return Answer(call.kind, call.application, response.status, decision_id, _codes(response))


def _codes(response: Response) -> tuple[str, ...]:
    if response.header_values(b"content-type") != [b"application/problem+json"]:
        return ()
    body: Any = orjson.loads(response.body)
    return tuple(sorted({reason["code"] for reason in body["reasons"]}))
