"""The fairness windows of a running sidecar: told of the past before the first request, tended while it serves."""

from __future__ import annotations

import asyncio
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.app.problems import StartProblems
from sidecar.app.rebuilding import rebuild
from sidecar.app.seat import ALONE
from sidecar.audit.records import Event
from sidecar.fairness.rebuild import LogClock
from sidecar.fairness.window import WindowTerms
from sidecar.fairness.windows import MemoryWindow
from sidecar.model.refusal import refused

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.app.seat import Seat
    from sidecar.audit.trail import Trail
    from sidecar.fairness.shared import SharedWindow
    from sidecar.fairness.throttle import Released
    from sidecar.fairness.window import Store
    from sidecar.model.clock import Clock
    from sidecar.model.decision import Decision
    from sidecar.model.facts import Facts
    from sidecar.model.question import Question
    from sidecar.policy.policy import Policy
    from sidecar.settings import Settings

MEMORY = "memory"


def terms(settings: Settings) -> WindowTerms:
    """What the settings say of windows."""
    return WindowTerms(
        spans_s=tuple(map(int, settings.window_spans)),
        epoch_s=int(settings.window_epoch),
        alpha=settings.window_alpha,
    )


class Windows:
    """One per process. Until `is_rebuilt` the store stands at the log's time, and no request may be judged."""

    def __init__(self, settings: Settings, clock: Clock, replica: str = "", seat: Seat = ALONE) -> None:
        """`replica`: under which name a shared store knows this worker, the same after a restart."""
        self.is_rebuilt = False
        self._terms = terms(settings)
        self._ledger_dirs = _ledger_dirs(settings, seat)
        self._clock = clock
        self._log_clock = LogClock(clock)
        self._shared = _shared(settings, self._log_clock, self._terms, replica, seat)
        self.store: Store = self._shared or MemoryWindow(self._log_clock, self._terms, replica)
        self._syncing: asyncio.Task[None] | None = None
        self._ended: list[Released] = []

    async def rebuild(self, facts: Facts) -> None:
        """Tells the store what the log says of the time that windows and tests look back on."""
        back_s = max(self._terms.span_s, self._terms.epoch_s)
        await rebuild(self.store, self._log_clock, self._ledger_dirs, facts, back_s=back_s, clock=self._clock)
        if self._shared is not None:
            await self._shared.sync()
            self._syncing = asyncio.create_task(self._shared.run())
        self.is_rebuilt = True

    async def aclose(self) -> None:
        """Tells a shared store the last."""
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.wait([self._syncing])
        if self._shared is not None:
            await self._shared.close()

    async def tick(self, facts: Facts | None, trail: Trail) -> None:
        """About once a second: tests go on, buckets expire, and the end of a hold is an EVENT.

        Raises Refused where that cannot be recorded; the next call tries again.
        """
        if not self.is_rebuilt:
            if facts is None:
                return
            await self.rebuild(facts)
        self.store.tend()
        self._ended += self.store.released()
        while self._ended:
            await trail.event(Event.THROTTLE_RELEASED, self._ended[0].details())
            self._ended.pop(0)


def _ledger_dirs(settings: Settings, seat: Seat) -> list[Path]:
    """The logs to be rebuilt from. Of a slot that no worker has any more a Redis still knows the counts."""
    own = seat.layout(settings).ledger_dir
    others = seat.left_over(settings) if settings.window_store == MEMORY else []
    return [own, *(layout.ledger_dir for layout in others)]


def _shared(settings: Settings, clock: Clock, terms: WindowTerms, replica: str, seat: Seat) -> SharedWindow | None:
    """None where windows are this process's own: it loads nothing of what sharing needs."""
    if seat.window_socket is None and settings.window_store == MEMORY:
        return None
    from sidecar.fairness.shared import SharedWindow  # noqa: PLC0415

    if seat.window_socket is not None:
        from sidecar.fairness.socket_store import SocketStore  # noqa: PLC0415

        return SharedWindow(clock, terms, replica, SocketStore(seat.window_socket))
    if importlib.util.find_spec("redis") is None:
        raise StartProblems(["--window-store: needs the extra `redis`: pip install model-policy-sidecar[redis]"])
    from sidecar.fairness.redis_store import RedisStore  # noqa: PLC0415  # an extra

    return SharedWindow(clock, terms, replica, RedisStore(settings.window_store, terms.span_s, terms.epoch_s))


@dataclass(frozen=True, slots=True)
class AfterRebuilding:
    """The policy of a sidecar that learnt its facts only while it served: none until the windows are told of the past.

    See `proxy.ports.PolicyPoint`.
    """

    policy: Policy
    windows: Windows

    @property
    def revision(self) -> str:
        """See PolicyPoint."""
        return self.policy.revision

    def snapshot(self) -> Facts:
        """See PolicyPoint."""
        facts = self.policy.snapshot()
        if not self.windows.is_rebuilt:
            raise refused("policy_unavailable", "the fairness windows are still being rebuilt from the audit log")
        return facts

    async def refresh(self) -> None:
        """See PolicyPoint."""
        await self.policy.refresh()

    async def decide(self, question: Question, *, cacheable: bool) -> Decision:
        """See PolicyPoint."""
        return await self.policy.decide(question, cacheable=cacheable)
