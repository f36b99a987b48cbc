"""Signed bundles as a source of generations for the embedded engine: followed, verified, activated when good."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.policy.bundle_watch import BundlesRolledBack, BundleWatch
from sidecar.policy.bundled.activating import Activating, facts_of
from sidecar.policy.bundled.following import Follower
from sidecar.policy.bundled.opening import digest_of, open_bundle
from sidecar.policy.bundled.state import BundleState, Candidate
from sidecar.policy.events import NoEvents
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.remote import ROLLED_BACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.model.clock import Clock
    from sidecar.model.reasons import Reason
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.bundled.activating import EngineOf
    from sidecar.policy.bundled.config import BundleSpec
    from sidecar.policy.bundled.disk import Disk
    from sidecar.policy.bundled.opening import Opened
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.generation import Generation

START_WAIT_S = 2.0
"""For bundles that are not on the disk; then the sidecar serves probes, and refuses calls until it has them."""
RETRY_S = 10.0
"""A bundle that was good, and could not be activated, is tried again after so long: the cause may lie elsewhere."""

_log = logging.getLogger("sidecar.policy")


class BundledSource:
    """`Source` over bundles. What is not good is not activated: the last good one goes on, until it is too old."""

    kind = "embedded"
    steady = True
    restarts = 0

    def __init__(
        self,
        specs: Sequence[BundleSpec],
        engine_of: EngineOf,
        clock: Clock,
        *,
        disk: Disk | None = None,
        events: PolicyEvents | None = None,
        memory: Memory | None = None,
        start_wait_s: float = START_WAIT_S,
    ) -> None:
        """`disk`: for bundles that persist. `memory`: what is known of bundles beyond this process."""
        self._clock = clock
        self._events = events or NoEvents()
        self._watch = BundleWatch(clock, memory)
        self._disk = disk
        self._activating = Activating(engine_of, clock, self._watch, disk, self._events)
        self._start_wait_s = start_wait_s
        self._states = {spec.name: BundleState(spec) for spec in specs}
        self._followers = [Follower(spec, self, clock) for spec in specs]
        self._obstacle: Reason | None = None
        self._older: dict[str, object] = {}
        self._retry_at_s = float("-inf")
        self._activated = asyncio.Event()
        self._settling = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def generation(self) -> Generation | None:
        """The last good one."""
        return self._activating.generation

    @property
    def obstacle(self) -> Reason | None:
        """`policy_rolled_back` where there is nothing but what is older than it was."""
        return self._obstacle

    @property
    def problems(self) -> tuple[str, ...]:
        """Of bundles that could not be got, verified, activated or kept."""
        return self._watch.problems

    @property
    def bundles(self) -> tuple[BundleStatus, ...]:
        """Those that are active, and what is wrong with their successors."""
        return self._watch.statuses()

    def age_s(self) -> float | None:
        """Of the oldest bundle, as OPA's would be."""
        return self._watch.age_s()

    async def refresh(self) -> None:
        """Nothing to do: the generation in whose place another came has answered, and is gone."""

    async def start(self) -> None:
        """Activates what is on the disk, or else waits for the server, for `start_wait_s` at most.

        Raises `PolicyProblems` where what is known of bundles cannot be read, and for nothing else.
        """
        await self._watch.open()
        await self._recall()
        self._tasks = [asyncio.create_task(one.run(), name="policy bundle") for one in self._followers]
        if self.generation is None:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._start_wait_s):
                    await self._activated.wait()

    async def aclose(self) -> None:
        """Stops following and closes the engine."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for follower in self._followers:
            await follower.aclose()
        if self.generation is not None:
            await self.generation.engine.aclose()

    async def arrived(self, name: str, archive: bytes) -> None:
        """See `Receiver`: what is signed for this name, and no older than it was, is activated."""
        state = self._states[name]
        state.requested_unix_s = state.downloaded_unix_s = self._clock.unix_s()
        state.unreached = state.refused = ""
        state.candidate = None
        state.latest = await asyncio.to_thread(digest_of, archive)
        if not state.is_current and await self._offer(state, archive, is_new=True):
            await self._settle()
        await self._tell()

    async def confirmed(self, name: str) -> None:
        """See `Receiver`. A 304 after what was refused says that it is still what is refused."""
        state = self._states[name]
        state.requested_unix_s, state.unreached = self._clock.unix_s(), ""
        if state.unkept:
            await self._activating.keep(state)
        if state.candidate is not None and self._clock.monotonic_s() >= self._retry_at_s:
            await self._settle()
        await self._tell()

    async def failed(self, name: str, problem: str) -> None:
        """See `Receiver`."""
        state = self._states[name]
        if problem != state.unreached:
            _log.warning("bundle %s: %s", name, problem)
        state.unreached = problem
        await self._tell()

    async def _recall(self) -> None:
        """From the disk, where bundles are no younger than they were."""
        for state in self._states.values():
            if self._disk is None or not state.spec.persist:
                continue
            try:
                archive = await asyncio.to_thread(self._disk.read, state.spec.name, state.spec.size_limit_bytes)
            except OSError as error:
                self._refuse(state, [f"what was kept of it cannot be read: {error}"])
                continue
            if archive is not None:
                await self._offer(state, archive, is_new=False)
        await self._settle()
        await self._tell()

    async def _offer(self, state: BundleState, archive: bytes, *, is_new: bool) -> bool:
        """Whether it is good as far as can be told before it is activated: then it is a candidate."""
        try:
            opened = await asyncio.to_thread(open_bundle, state.spec, archive)
            await self._refuse_older(opened)
        except PolicyProblems as failure:
            self._refuse(state, failure.problems)
            return False
        state.candidate = Candidate(opened, archive if is_new else None)
        return True

    async def _refuse_older(self, opened: Opened) -> None:
        """A signature says who made a bundle, not which of two is newer. Raises `BundlesRolledBack`."""
        facts = {opened.name: facts_of(opened)}
        older = self._watch.older(facts)
        known = self._older.pop(opened.name, None)
        if not older:
            return
        self._older[opened.name] = older
        if older != known:
            self._events.rolled_back(older)
        if self.generation is None:
            self._obstacle = ROLLED_BACK
            await self._watch.admit(facts, facts)  # which shows it, and raises
        raise BundlesRolledBack(older)

    async def _settle(self) -> None:
        """Activates all candidates together; where that fails, each for itself: one must not hold up the others."""
        async with self._settling:
            names = [name for name, state in self._states.items() if state.candidate is not None]
            if not names or any(state.newest is None for state in self._states.values()):
                return
            self._retry_at_s = self._clock.monotonic_s() + RETRY_S
            is_last_try = len(names) == 1 or self.generation is None  # of the first bundles none can do without others
            if await self._activate(names, is_last_try=is_last_try) or is_last_try:
                return
            for name in names:
                await self._activate([name], is_last_try=True)

    async def _activate(self, names: Sequence[str], *, is_last_try: bool) -> bool:
        try:
            await self._activating.activate(self._states, names)
        except PolicyProblems as failure:
            problems = failure.problems
        except Exception as error:
            _log.exception("bundles could not be activated")
            problems = (f"unexpected: {type(error).__name__}",)
        else:
            self._obstacle = None
            await self._tell()  # so that nobody sees a policy before its age
            self._activated.set()
            await self._activating.let_go()
            return True
        for name in names if is_last_try else ():
            self._refuse(self._states[name], problems)
        return False

    def _refuse(self, state: BundleState, problems: Sequence[str]) -> None:
        state.refused = "; ".join(problems)
        self._events.activation_failed()
        _log.error("bundle %s is not activated, the last good one goes on: %s", state.spec.name, state.refused)

    async def _tell(self) -> None:
        await self._watch.observe({"bundles": {name: state.as_status() for name, state in self._states.items()}})
