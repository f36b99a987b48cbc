"""The windows and throttles of one replica of many, which share what they count through a store.

Requests never wait for the store: each replica answers from its own copy, and brings that up to date about once a
second. A sync says what this replica has counted, hears what others have, takes the tests on together, and can be cut
off anywhere: all of it is absolute, and the next sync says it again. While the store cannot be reached, the copy goes
on by itself, `degraded`; what was counted meanwhile is told when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.fairness.shared_store import StoreFailed
from sidecar.fairness.sync import Sync
from sidecar.fairness.windows import MemoryWindow

if TYPE_CHECKING:
    from sidecar.fairness.shared_store import SharedStore
    from sidecar.fairness.throttle import Armed, Released
    from sidecar.fairness.window import Observation, StoreStatus, WindowSnapshot, WindowTerms
    from sidecar.model.clock import Clock
    from sidecar.model.facts import ModelFacts

logger = logging.getLogger(__name__)

SYNC_EVERY_S = 0.5
"""Well within the time after which a second is tested."""

TICKS_KEPT_S = 600
"""How long the store can be away, and what is counted meanwhile still be tested second by second."""


class SharedWindow:
    """See Store. `replica` is unique among those that share the store, and the same after a restart: the log's id."""

    def __init__(self, clock: Clock, terms: WindowTerms, replica: str, store: SharedStore) -> None:
        self._local = MemoryWindow(clock, terms, replica, TICKS_KEPT_S)
        self._clock = clock
        self._terms = terms
        self._store = store
        self._sync = Sync(self._local, clock, replica, store)
        self._synced_s = clock.monotonic_s()
        self._is_synced = False
        self._problem: str | None = None
        self._urgent = asyncio.Event()

    def snapshot(self, facts: ModelFacts, version: str | None) -> WindowSnapshot:
        """See Window."""
        self._heed_lag()
        return self._local.snapshot(facts, version)

    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        """See Window."""
        self._local.observe(facts, seen)

    def admit(self, model: str, version: str | None) -> None:
        """See Throttle. Each replica admits its share of the rate."""
        self._local.admit(model, version)

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> Armed | None:
        """See Throttle. Here at once, elsewhere after the next sync, which does not wait for its time."""
        armed = self._local.arm(model, version, rate_per_s, hold_s)
        if armed is not None:
            self._urgent.set()
        return armed

    def released(self) -> list[Released]:
        """See Throttle."""
        return self._local.released()

    def tend(self, now_unix_s: float | None = None) -> None:
        """See Store."""
        self._heed_lag()
        self._local.tend(now_unix_s)

    def restore(self, told: Armed | Released) -> None:
        """See Store."""
        self._local.restore(told)

    def status(self) -> StoreStatus:
        """See Store."""
        self._heed_lag()
        return replace(self._local.status(), store=self._store.name, lag_s=self._lag_s(), problem=self._problem)

    async def run(self) -> None:
        """Syncs until it is cancelled."""
        while True:
            await self.sync()
            try:
                async with asyncio.timeout(SYNC_EVERY_S):
                    await self._urgent.wait()
            except TimeoutError:
                continue

    async def close(self) -> None:
        """A last sync, then no more."""
        await self.sync()
        await self._store.close()

    async def sync(self) -> bool:
        """Says and hears all that is new; False where that failed, with the cause in `status`."""
        self._urgent.clear()
        try:
            await self._sync.run()
        except StoreFailed as error:
            if self._problem is None:
                logger.warning("the window store cannot be reached, going on alone: %s", error)
            self._problem = str(error)
            return False
        except Exception as error:
            # No defect in here may end the syncing: the window goes on alone, degraded, and says why.
            logger.exception("a sync with the window store failed")
            self._problem = repr(error)
            return False
        if self._problem is not None:
            logger.warning("the window store is back")
        self._problem, self._is_synced = None, True
        self._synced_s = self._clock.monotonic_s()
        self._heed_lag()
        return True

    def _lag_s(self) -> float:
        return self._clock.monotonic_s() - self._synced_s

    def _heed_lag(self) -> None:
        is_alone = not self._is_synced or self._lag_s() > self._terms.stale_s
        self._local.is_alone = self._local.is_degraded = is_alone
