"""All window stores behind one face, and what is told to them."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from redis import Redis

from sidecar.app.ports import unix_listener
from sidecar.fairness.memory_store import MemoryStore
from sidecar.fairness.redis_store import RedisStore
from sidecar.fairness.shared import SharedWindow
from sidecar.fairness.socket_store import SocketStore, served
from sidecar.fairness.window import Observation, WindowTerms
from sidecar.fairness.windows import MemoryWindow
from sidecar.model.facts import ModelFacts, Positive, ReadPlan, parse_reader
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

    from sidecar.fairness.shared_store import Beat, SharedStore
    from sidecar.fairness.window import Store
    from sidecar.model.clock import Clock

KINDS = ("memory", "workers", "redis")
DAY_S = 86_400
NOON_S = time.time() // DAY_S * DAY_S + DAY_S / 2
"""Redis expires keys by its own clock, so that tests of it live today; at noon no second of theirs ends an epoch."""

READ = ReadPlan(
    score=parse_reader("output:score"),
    label=parse_reader("output:label"),
    positive=Positive(label="approve"),
    score_range=(0.0, 1.0),
)
CREDIT = ModelFacts("credit", read=READ, groups=("a", "b"), disparate_impact_max=1.5)
TERMS = WindowTerms()

_ids: Iterator[int] = count()


def seen(
    clock: Clock,
    group: str = "a",
    score: float = 0.5,
    *,
    positive: bool = True,
    version: str | None = None,
    released: bool = True,
) -> Observation:
    """One prediction of now."""
    return Observation(
        decision_id=f"{next(_ids):032x}",
        model="credit",
        version=version,
        unix_s=clock.unix_s(),
        groups=(group,),
        scores=(score,),
        positive=(positive,),
        instances=1,
        released=released,
    )


class ClockedStore(RedisStore):
    """A Redis whose clock is the test's."""

    def __init__(self, url: str, clock: Clock, timeout_s: float = 1.0) -> None:
        super().__init__(url, TERMS.span_s, TERMS.epoch_s, timeout_s)
        self.clock = clock

    async def beat(self, replica: str) -> Beat:
        return replace(await super().beat(replica), unix_s=self.clock.unix_s())


@dataclass
class Rig:
    """A store, its clock, and how time passes for both."""

    window: Store
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_S))

    async def pass_time(self, seconds: float) -> None:
        """Time passes, and what is due in a second is done."""
        self.clock.advance(seconds)
        if isinstance(self.window, SharedWindow):
            assert await self.window.sync(), self.window.status().problem
        self.window.tend()

    async def settle(self) -> None:
        """All that was observed is tested."""
        for _ in range(4):
            await self.pass_time(1.0)


@asynccontextmanager
async def rig(kind: str, redis_url: str | None, terms: WindowTerms = TERMS) -> AsyncGenerator[Rig]:
    """A window of that kind, empty. Redis is emptied, too."""
    clock = FixedClock(NOON_S)
    if kind == "memory":
        yield Rig(MemoryWindow(clock, terms), clock)
        return
    async with _store(redis_url, clock, terms) as store:
        shared = SharedWindow(clock, terms, "replica-1", store)
        yield Rig(shared, clock)
        await shared.close()


@asynccontextmanager
async def _store(redis_url: str | None, clock: Clock, terms: WindowTerms) -> AsyncGenerator[SharedStore]:
    """Redis, or where there is no URL the store of workers, on a socket."""
    if redis_url is not None:
        empty(redis_url)
        yield ClockedStore(redis_url, clock)
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / "windows.sock"
        async with served(MemoryStore(clock, terms.span_s, terms.epoch_s), unix_listener(path)):
            yield SocketStore(path)


def empty(redis_url: str) -> None:
    """Takes everything out of a Redis."""
    with Redis.from_url(redis_url) as redis:
        redis.flushall()
