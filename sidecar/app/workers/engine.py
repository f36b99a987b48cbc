"""The one OPA of all workers: a child of the supervisor, which watches policy and data, and activates them first.

Each activated policy has an OPA and a socket of its own. Workers are told of it, and change over each between two of
its requests; until all have, the former OPA goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sidecar.app.rooms import shipped
from sidecar.policy.child import ChildMaker, find_opa
from sidecar.policy.followed import Told
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.watch import DirectorySource

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle import Bundle
    from sidecar.policy.child import ChildEngine
    from sidecar.policy.generation import Generation
    from sidecar.policy.watch import Keeper
    from sidecar.settings import Settings

OUTLIVES_S = 10.0
"""How much longer than a decision may take a former OPA goes on: a worker that looks up later than that was stuck."""
LOOK_S = 0.1
"""How often it is looked whether there is news for the workers."""


def shared_binary(settings: Settings) -> Path | None:
    """OPA's, where it is to run as a child; None where one is given, or each worker has an engine in itself."""
    is_elsewhere = settings.opa is not None or settings.bundles is not None or settings.engine == "embedded"
    return None if is_elsewhere else find_opa()


class SharedEngine:
    """`tell` is called with what workers should know, at the start and whenever it changes."""

    def __init__(
        self, settings: Settings, binary: Path, clock: Clock, keeper: Keeper, tell: Callable[[Told], None]
    ) -> None:
        timeout_s = settings.policy_timeout_ms / 1_000
        self._maker = _Outliving(ChildMaker(binary, timeout_s=timeout_s, clock=clock), OUTLIVES_S + timeout_s)
        root = settings.policy or shipped("rego")
        self._source = DirectorySource(root, settings.data, self._maker, clock, keeper=keeper)
        self._tell = tell
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """The first activation; where it fails, the workers are told why, and do not start."""
        try:
            await self._source.start()
        except PolicyProblems as failure:
            self._tell(Told(None, failure.problems))
            return
        self._task = asyncio.create_task(self._watch(), name="policy telling")

    async def aclose(self) -> None:
        """Ends every OPA that there still is."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._source.aclose()
        await self._maker.aclose()

    async def _watch(self) -> None:
        told: Told | None = None
        while True:
            now = Told(_socket_of(self._source.generation), self._source.problems, self._source.restarts)
            if now != told:
                told = now
                self._tell(now)
            await asyncio.sleep(LOOK_S)


class _Outliving:
    """Makes engines that go on for a while when they are closed."""

    kind = "opa"

    def __init__(self, maker: ChildMaker, outlives_s: float) -> None:
        self._maker = maker
        self._outlives_s = outlives_s
        self._ending: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()

    @property
    def restarts(self) -> int:
        """See EngineMaker."""
        return self._maker.restarts

    async def make(self, bundle: Bundle) -> _Outlived:
        """See EngineMaker."""
        return _Outlived(await self._maker.make(bundle), self._end)

    async def aclose(self) -> None:
        """Waits for no one any more."""
        self._hurry.set()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _end(self, engine: ChildEngine) -> None:
        task = asyncio.create_task(self._end_later(engine))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_later(self, engine: ChildEngine) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._outlives_s):
                await self._hurry.wait()
        await engine.aclose()


class _Outlived:
    """An engine that, closed, is given to `end`."""

    kind = "opa"

    def __init__(self, engine: ChildEngine, end: Callable[[ChildEngine], None]) -> None:
        self.socket = str(engine.socket)
        self.decide = engine.decide
        self.facts = engine.facts
        self._engine = engine
        self._end = end

    async def aclose(self) -> None:
        """See Engine."""
        self._end(self._engine)


def _socket_of(generation: Generation | None) -> str | None:
    engine = None if generation is None else generation.engine
    return engine.socket if isinstance(engine, _Outlived) else None
