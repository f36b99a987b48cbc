"""A share of the embedded engine's decisions is asked of OPA, too: two engines that differ are a defect in one of them.

Off the request's path: what OPA does not answer in time, or what there is no room for, is counted and left out.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from typing import TYPE_CHECKING, Protocol

import orjson

from sidecar.model.refusal import Refused
from sidecar.policy.verdict import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.model.clock import Clock
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.port import Answer, Engine

WAITING_LIMIT = 64
"""Answers that wait to be held against OPA's, each with its input of 64 KiB at most."""
TIMEOUT_S = 1.0
LOG_EVERY_S = 1.0
LINE_LIMIT = 4_000

Json = dict[str, object]

_log = logging.getLogger("sidecar.policy")


class Asked(Protocol):
    """What is used of an OPA."""

    async def ask_one(self, input_json: bytes, timeout_s: float) -> Answer:
        """`data.sidecar.decision`; raises `Refused`."""
        ...

    async def aclose(self) -> None:
        """Closes the connections."""
        ...


class CrossCheck:
    """One per process. Results go to `events`: same, different, unavailable, skipped (another revision), dropped."""

    def __init__(
        self,
        opa: Asked,
        share: float,
        clock: Clock,
        events: PolicyEvents,
        *,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`share`: of decisions, from 0 to 1."""
        self._opa = opa
        self._share = share
        self._clock = clock
        self._events = events
        self._chance = chance
        self._waiting: asyncio.Queue[tuple[bytes, Answer]] = asyncio.Queue(WAITING_LIMIT)
        self._task: asyncio.Task[None] | None = None
        self._log_at_s = float("-inf")

    def start(self) -> None:
        """From now on what is offered is asked."""
        self._task = asyncio.create_task(self._ask_for_ever(), name="policy cross-check")

    async def aclose(self) -> None:
        """What still waits is not asked."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._opa.aclose()

    def offer(self, input_json: bytes, answer: Answer) -> None:
        """An answer as it was given; never waits."""
        if self._chance() >= self._share:
            return
        try:
            self._waiting.put_nowait((input_json, answer))
        except asyncio.QueueFull:
            self._events.cross_checked("dropped")

    async def _ask_for_ever(self) -> None:
        while True:
            input_json, ours = await self._waiting.get()
            try:
                self._events.cross_checked(await self._result(input_json, ours))
            except Exception:
                _log.exception("a decision could not be held against OPA's")
                self._events.cross_checked("unavailable")

    async def _result(self, input_json: bytes, ours: Answer) -> str:
        try:
            theirs = await self._opa.ask_one(input_json, TIMEOUT_S)
        except Refused:
            return "unavailable"
        if theirs.revision != ours.revision:
            return "skipped"
        mine, its = _told(ours), _told(theirs)
        if _same(mine, its):
            return "same"
        self._tell(ours.revision, mine, its)
        return "different"

    def _tell(self, revision: str, ours: Json, theirs: Json) -> None:
        """Both answers, without the input, which speaks of a person; at most once a second, since calls cause it."""
        now_s = self._clock.monotonic_s()
        if now_s >= self._log_at_s:
            self._log_at_s = now_s + LOG_EVERY_S
            line = orjson.dumps({"revision": revision, "embedded": ours, "opa": theirs}).decode()
            _log.error("the embedded engine and OPA decided differently: %s", line[:LINE_LIMIT])


class CrossChecked:
    """An engine whose answers are offered to a cross-check."""

    def __init__(self, engine: Engine, check: CrossCheck) -> None:
        self._engine = engine
        self._check = check

    @property
    def kind(self) -> str:
        """The engine's."""
        return self._engine.kind

    async def decide(self, input_json: bytes) -> Answer:
        """The engine's answer."""
        answer = await self._engine.decide(input_json)
        self._check.offer(input_json, answer)
        return answer

    async def facts(self) -> Answer:
        """The engine's."""
        return await self._engine.facts()

    async def aclose(self) -> None:
        """Of the engine; the cross-check goes on with the next one."""
        await self._engine.aclose()


def _told(answer: Answer) -> Json:
    """What a client, or the audit trail, would see of it."""
    try:
        return read(answer).as_json()
    except Refused as refusal:
        return {"refused": [reason.code for reason in refusal.reasons]}


def _same(ours: Json, theirs: Json) -> bool:
    """But for the last digits of `ttl_s`: engines calculate differently."""
    ttls_s = [value for told in (ours, theirs) if isinstance(value := told.get("ttl_s", 0.0), float)]
    rest = [{name: value for name, value in told.items() if name != "ttl_s"} for told in (ours, theirs)]
    return rest[0] == rest[1] and math.isclose(*ttls_s, rel_tol=1e-9, abs_tol=1e-3)
