"""A running OPA as a source of generations: its revision polled, its facts asked at each new one."""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.policy.bundle_watch import BundlesRolledBack, BundleWatch
from sidecar.policy.events import NoEvents
from sidecar.policy.generation import Generation, activate
from sidecar.policy.opa import OpaEngine
from sidecar.policy.port import UNDEFINED
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.opa import OpaClient, Revision

POLL_S = 0.5
STATUS_S = 5.0
"""Between two looks at the bundles' age: OPA's status is some 60 kB."""
START_WAIT_S = 2.0
"""OPA may start beside us, and has its bundles to download."""

NOT_ENABLED = "OPA's status plugin is off, so the policy's age is unknown: set status.prometheus in its file"
ROLLED_BACK = Reason("policy_rolled_back", "a bundle of the policy is older than one that was active before")

_log = logging.getLogger("sidecar.policy")


class RemoteSource:
    """`Source` over one daemon. While a poll fails the cache is unused, facts are kept, decisions go on.

    They do not go on from older bundles than were seen before, nor from a part of them: that is an `obstacle`.
    """

    kind = "opa"
    restarts = 0

    def __init__(
        self,
        client: OpaClient,
        clock: Clock,
        *,
        timeout_s: float,
        events: PolicyEvents | None = None,
        memory: Memory | None = None,
        poll_s: float = POLL_S,
        status_s: float = STATUS_S,
        start_wait_s: float = START_WAIT_S,
        ages_matter: bool = True,
    ) -> None:
        """`memory`: what is known of bundles beyond this process. `ages_matter` false: OPA need not have a status."""
        self._client = client
        self._engine = OpaEngine(client, timeout_s=timeout_s)
        self._clock = clock
        self._events = events or NoEvents()
        self._watch = BundleWatch(clock, memory)
        self._poll_s = poll_s
        self._status_s = status_s
        self._start_wait_s = start_wait_s
        self._ages_matter = ages_matter
        self._generation: Generation | None = None
        self._bundles: frozenset[str] = frozenset()
        self._obstacle: Reason | None = None
        self._next_status_s = float("-inf")
        self._steady = False
        self._failures: tuple[str, ...] = ()
        self._unobserved: tuple[str, ...] = ()
        self._following: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def generation(self) -> Generation | None:
        """Of the revision whose facts were asked last."""
        return self._generation

    @property
    def steady(self) -> bool:
        """Whether the latest poll found the present revision."""
        return self._steady

    @property
    def obstacle(self) -> Reason | None:
        """Until a later poll finds that it is mended."""
        return self._obstacle

    @property
    def problems(self) -> tuple[str, ...]:
        """Of the latest poll, and of bundles that OPA could not activate or get."""
        return (*self._failures, *self._unobserved, *self._watch.problems)

    @property
    def bundles(self) -> tuple[BundleStatus, ...]:
        """As OPA has them, be they in use or an obstacle."""
        return self._watch.statuses()

    def age_s(self) -> float | None:
        """By OPA's status; infinite before the first."""
        return self._watch.age_s() if self._ages_matter else None

    async def refresh(self) -> None:
        """Looks what is active, once for all who ask meanwhile: requests wait for it. Never raises."""
        if self._following is None or self._following.done():
            self._following = asyncio.create_task(self._follow(), name="policy following")
        await asyncio.shield(self._following)

    async def start(self) -> None:
        """Polls until the first activation, for `start_wait_s` at most, and from then on for ever.

        Raises `PolicyProblems` where what is known of bundles cannot be read, and for nothing else: OPA's absence must
        not keep the sidecar from serving probes. `problems` tells.
        """
        await self._watch.open()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._start_wait_s):
                while self._generation is None or self._failures or self._unobserved:
                    await self._poll()
                    if self._failures or self._unobserved:
                        await asyncio.sleep(self._poll_s)
        self._task = asyncio.create_task(self._poll_for_ever(), name="policy watch")

    async def aclose(self) -> None:
        """Stops polling and closes the connections; the daemon goes on."""
        tasks = [task for task in (self._task, self._following) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engine.aclose()

    async def _poll_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            await self._poll()

    async def _poll(self) -> None:
        """What is active, and then, for which no request waits, how old it is and what is wrong with it."""
        await self.refresh()
        problems, _ = await _tried(self._observe)
        # Where nothing could be learnt of the revision, that is told, and no second time of the status.
        self._unobserved = () if self._failures else _noted(self._unobserved, problems)

    async def _follow(self) -> None:
        problems, is_refused = await _tried(self._activate)
        if problems:
            (self._events.poll_failed if is_refused else self._events.activation_failed)()
        self._failures = _noted(self._failures, problems)
        self._steady = not problems

    async def _activate(self) -> None:
        """Activates what OPA has now, if that is not active yet."""
        found = await self._client.revision()
        present = self._generation
        if present is not None and found.text == present.facts.revision and self._obstacle is None:
            return
        self._steady = False
        if present is None or self._obstacle is not None or not self._bundles <= found.bundles:
            await self._require_bundles()
        generation = await activate(self._engine, self._clock)
        await self._admit(found, generation)
        if present is None or found.bundles != self._bundles:
            self._next_status_s = float("-inf")
            with suppress(Refused, PolicyProblems):  # it is tried again after each look, and tells then
                await self._observe()  # so that nobody sees a policy before its age
        self._generation, self._bundles, self._obstacle = generation, found.bundles, None
        if present is None or present.facts.revision != generation.facts.revision:
            self._events.activated(generation.facts.revision)
        _log.info("policy %s is active in OPA", generation.facts.revision)

    async def _require_bundles(self) -> None:
        """From a part of the bundles OPA would decide too: without data, that every model is unknown."""
        try:
            await self._client.require_bundles()
        except Refused as refusal:
            self._obstacle = self._obstacle or refusal.reasons[0]
            raise

    async def _admit(self, found: Revision, generation: Generation) -> None:
        known = self._watch.rolled_back
        try:
            await self._watch.admit(found.bundles, generation.facts.bundles)
        except BundlesRolledBack as failure:
            self._obstacle = ROLLED_BACK
            if failure.bundles != known:
                self._events.rolled_back(failure.bundles)
            raise

    async def _observe(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s < self._next_status_s:
            return
        status = await self._client.status()
        if status is not UNDEFINED:
            await self._watch.observe(status)
        elif self._ages_matter:
            raise PolicyProblems([NOT_ENABLED])
        if self.age_s() != math.inf:  # OPA may have activated a bundle, and not told so yet
            self._next_status_s = now_s + self._status_s


def _noted(before: tuple[str, ...], problems: tuple[str, ...]) -> tuple[str, ...]:
    """What it is given; logged where it is new."""
    if problems and problems != before:
        _log.error("polling the policy engine: %s", "; ".join(problems))
    return problems


async def _tried(work: Callable[[], Awaitable[None]]) -> tuple[tuple[str, ...], bool]:
    """Why it could not be done, empty where it was; and whether that was for want of OPA's answer."""
    try:
        await work()
    except Refused as refusal:
        return tuple(f"{reason.code}: {reason.message}" for reason in refusal.reasons), True
    except PolicyProblems as failure:
        return failure.problems, False
    except Exception as error:
        _log.exception("the policy engine could not be polled")
        return (f"unexpected: {type(error).__name__}",), True
    return (), False
