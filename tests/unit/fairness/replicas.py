"""Several replicas on one Redis, and a window that sees all that they see."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sidecar.fairness.shared import SharedWindow
from sidecar.fairness.shared_store import StoreFailed
from sidecar.fairness.windows import MemoryWindow
from tests.conformance.windows import CREDIT, NOON_S, TERMS, ClockedStore, seen
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from sidecar.fairness.shared_store import Change, Put
    from sidecar.fairness.window import Store
    from tests.servers.redis import RedisServer

TIMEOUT_S = 0.3


class CutOffStore(ClockedStore):
    """Cut off, it does what it is asked to, and then does not say so: a timeout. Deaf, it does not take counts."""

    is_cut_off = False
    is_deaf = False
    before_put: Callable[[], Awaitable[object]] | None = None

    async def put(self, puts: Sequence[Put]) -> list[int]:
        if self.before_put is not None:
            await self.before_put()
        if self.is_deaf:
            raise StoreFailed("ConnectionError: ")
        return self._cut(await super().put(puts))

    async def replace(self, changes: Sequence[Change]) -> list[bytes | None]:
        return self._cut(await super().replace(changes))

    def _cut(self, reply: Any) -> Any:
        if self.is_cut_off:
            raise StoreFailed("TimeoutError: ")
        return reply


@dataclass
class Replicas:
    """Several on one Redis, each with its own clock and store, and one window that sees all they see."""

    server: RedisServer
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOON_S))
    clocks: list[FixedClock] = field(default_factory=list[FixedClock])
    stores: list[CutOffStore] = field(default_factory=list[CutOffStore])
    windows: list[SharedWindow] = field(default_factory=list[SharedWindow])

    def __post_init__(self) -> None:
        self.alone = MemoryWindow(self.clock, TERMS)

    def add(self, name: str = "", ahead_s: float = 0.0) -> SharedWindow:
        own = FixedClock(self.clock.unix_s() + ahead_s)
        store = CutOffStore(self.server.url, self.clock, TIMEOUT_S)
        window = SharedWindow(own, TERMS, name or f"replica-{len(self.windows)}", store)
        window.snapshot(CREDIT, None)
        self.clocks.append(own)
        self.stores.append(store)
        self.windows.append(window)
        return window

    def observe(self, *windows: int, favoured: str = "a") -> None:
        """Twenty predictions to each, four positive ones of `favoured` for one of the other."""
        for index in windows:
            for group in ("a", "b"):
                for number in range(10):
                    said = seen(
                        self.clocks[index], group, number / 10, positive=number < (8 if group == favoured else 2)
                    )
                    self.windows[index].observe(CREDIT, said)
                    self.alone.observe(CREDIT, seen(self.clock, group, number / 10, positive=said.positive == (True,)))

    async def pass_time(self, seconds: float = 1.0, *silent: int) -> list[bool]:
        """Time passes for all; those that are not silent sync."""
        for clock in (self.clock, *self.clocks):
            clock.advance(seconds)
        self.alone.tend()
        for window in self.windows:
            window.tend()
        return [await window.sync() for index, window in enumerate(self.windows) if index not in silent]

    async def settle(self) -> None:
        for _ in range(5):
            await self.pass_time()


def groups(window: Store) -> dict[str, Any]:
    return {group: each["n"] for group, each in window.snapshot(CREDIT, None).groups.items()}


def its_test(window: Store) -> Any:
    return window.status().watches[0].test


def state(window: Store) -> str:
    return window.snapshot(CREDIT, None).state


def taken(window: SharedWindow) -> dict[str, list[int]]:
    """What the test has taken, of all replicas together."""
    [watch] = window._local.watches()
    assert watch.test is not None
    sums: dict[str, list[int]] = {}
    for counts in watch.test.state()["taken"].values():
        for group, (n, positive) in counts.items():
            old = sums.get(group, [0, 0])
            sums[group] = [old[0] + n, old[1] + positive]
    return sums


@asynccontextmanager
async def replicas_on(server: RedisServer, count: int) -> AsyncGenerator[Replicas]:
    replicas = Replicas(server)
    for _ in range(count):
        replicas.add()
    try:
        yield replicas
    finally:
        for store in replicas.stores:
            await store.close()
