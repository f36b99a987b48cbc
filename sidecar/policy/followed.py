"""An OPA that another process of ours runs and watches over, as a source of generations.

The other process activates each policy first, in an OPA of its own socket, and tells of it then; the former OPA goes on
answering for a while. So every worker changes over between two requests, and none asks an engine that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.http1.target import Target
from sidecar.policy.events import NoEvents
from sidecar.policy.generation import Generation, activate
from sidecar.policy.opa import OpaClient, OpaEngine
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from sidecar.model.clock import Clock
    from sidecar.policy.events import PolicyEvents

RETRY_S = 1.0
"""An engine that could not be activated here, though it was there, is tried again after this long."""

_log = logging.getLogger("sidecar.policy")


@dataclass(frozen=True, slots=True)
class Told:
    """What the other process says of its engine: its socket (None: there is none yet), and what is wrong with the
    policy as it stands now. `restarts` counts how often the engine had died."""

    socket: str | None
    problems: tuple[str, ...] = ()
    restarts: int = 0


class FollowedSource:
    """`Source` over what is told."""

    kind = "opa"
    steady = True
    obstacle = None
    bundles = ()

    def __init__(
        self, told: asyncio.Queue[Told], clock: Clock, *, timeout_s: float, events: PolicyEvents | None = None
    ) -> None:
        self._told = told
        self._clock = clock
        self._timeout_s = timeout_s
        self._events = events or NoEvents()
        self._last = Told(None)
        self._socket: str | None = None
        self._failures: tuple[str, ...] = ()
        self._generation: Generation | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def generation(self) -> Generation | None:
        """The last good one."""
        return self._generation

    @property
    def problems(self) -> tuple[str, ...]:
        """What the other process found, and what went wrong here."""
        return (*self._last.problems, *self._failures)

    @property
    def restarts(self) -> int:
        """As the other process counts."""
        return self._last.restarts

    def age_s(self) -> float | None:
        """None: a directory is current by definition (contract 3)."""
        return None

    async def refresh(self) -> None:
        """Nothing to do: each generation has an engine of its own."""

    async def start(self) -> None:
        """Waits for what is told first, and activates it; raises `PolicyProblems`."""
        self._last = await self._told.get()
        if self._last.socket is None:
            raise PolicyProblems(list(self._last.problems))
        await self._change_over(self._last.socket)
        self._task = asyncio.create_task(self._follow(), name="policy following")

    async def aclose(self) -> None:
        """Follows no longer; the other process ends the engine."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._generation is not None:
            await self._generation.engine.aclose()

    async def _follow(self) -> None:
        while True:
            await self._hear()
            if self._last.socket is None or self._last.socket == self._socket:
                self._failures = ()
                continue
            try:
                await self._change_over(self._last.socket)
            except PolicyProblems as failure:
                self._failed(failure.problems)
            except Exception as error:
                _log.exception("the shared policy engine could not be activated")
                self._failed((f"unexpected: {type(error).__name__}",))

    async def _hear(self) -> None:
        """Waits for what is told, or until a failure is worth another try."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RETRY_S if self._failures else None):
                told = await self._told.get()
                for _ in range(told.restarts - self._last.restarts):
                    self._events.engine_restarted()
                self._last = told

    async def _change_over(self, socket: str) -> None:
        engine = OpaEngine(OpaClient(Target.parse(f"unix://{socket}"), self._clock), timeout_s=self._timeout_s)
        try:
            generation = await activate(engine, self._clock)
        except BaseException:
            await engine.aclose()
            raise
        former, self._generation = self._generation, generation
        self._socket, self._failures = socket, ()
        self._events.activated(generation.facts.revision)
        if former is not None:
            await former.engine.aclose()

    def _failed(self, problems: tuple[str, ...]) -> None:
        if problems != self._failures:
            _log.error("the change is not activated, the last good policy goes on: %s", "; ".join(problems))
        self._failures = problems
        self._events.activation_failed()
