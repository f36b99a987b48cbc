"""A running OPA as a source of generations: its revision polled, its facts asked at each new one."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.model.refusal import Refused
from sidecar.policy.age import BundleAges
from sidecar.policy.events import NoEvents
from sidecar.policy.generation import Generation, activate
from sidecar.policy.opa import OpaEngine
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from sidecar.model.clock import Clock
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.opa import OpaClient

POLL_S = 0.5
STATUS_S = 5.0
"""Between two looks at the bundles' age: OPA's status is some 60 kB."""
START_WAIT_S = 2.0
"""OPA may start beside us, and has its bundles to download."""

_log = logging.getLogger("sidecar.policy")


class RemoteSource:
    """`Source` over one daemon. While a poll fails the cache is unused, facts are kept, decisions go on."""

    kind = "opa"
    restarts = 0

    def __init__(
        self,
        client: OpaClient,
        clock: Clock,
        *,
        timeout_s: float,
        events: PolicyEvents | None = None,
        poll_s: float = POLL_S,
        status_s: float | None = STATUS_S,
        start_wait_s: float = START_WAIT_S,
    ) -> None:
        """`status_s` None: the bundles' age does not matter, and OPA's status is not asked."""
        self._client = client
        self._engine = OpaEngine(client, timeout_s=timeout_s)
        self._clock = clock
        self._events = events or NoEvents()
        self._poll_s = poll_s
        self._status_s = status_s
        self._start_wait_s = start_wait_s
        self._generation: Generation | None = None
        self._ages = BundleAges()
        self._next_status_s = float("-inf")
        self._steady = False
        self._problems: tuple[str, ...] = ()
        self._poll_task: asyncio.Task[None] | None = None
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
    def problems(self) -> tuple[str, ...]:
        """Of the latest poll."""
        return self._problems

    def age_s(self) -> float | None:
        """By OPA's status; infinite before the first."""
        if self._status_s is None:
            return None
        return self._ages.age_s(self._clock.unix_s())

    async def refresh(self) -> None:
        """Polls now, once for all who ask meanwhile. Never raises: what goes wrong is in `problems`."""
        if self._poll_task is None or self._poll_task.done():
            self._poll_task = asyncio.create_task(self._poll(), name="policy poll")
        await asyncio.shield(self._poll_task)

    async def start(self) -> None:
        """Polls until the first activation, for `start_wait_s` at most, and from then on for ever.

        Never raises: OPA's absence must not keep the sidecar from serving probes. `problems` tells.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(self._start_wait_s):
                while self._generation is None or self._problems:
                    await self.refresh()
                    if self._problems:
                        await asyncio.sleep(self._poll_s)
        self._task = asyncio.create_task(self._watch(), name="policy watch")

    async def aclose(self) -> None:
        """Stops polling and closes the connections; the daemon goes on."""
        tasks = [task for task in (self._task, self._poll_task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._engine.aclose()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            await self.refresh()

    async def _poll(self) -> None:
        try:
            await self._look()
        except Refused as refusal:
            self._failed(tuple(f"{reason.code}: {reason.message}" for reason in refusal.reasons))
            self._events.poll_failed()
        except PolicyProblems as failure:
            self._failed(failure.problems)
            self._events.activation_failed()
        except Exception as error:
            _log.exception("the policy engine could not be polled")
            self._failed((f"unexpected: {type(error).__name__}",))
            self._events.poll_failed()
        else:
            self._steady = True
            self._problems = ()

    async def _look(self) -> None:
        revision = await self._client.revision()
        if self._generation is None or revision != self._generation.facts.revision:
            self._steady = False
            self._generation = await activate(self._engine, self._clock)
            self._next_status_s = float("-inf")
            self._events.activated(self._generation.facts.revision)
            _log.info("policy %s is active in OPA", self._generation.facts.revision)
        now_s = self._clock.monotonic_s()
        if self._status_s is not None and now_s >= self._next_status_s:
            self._ages.observe(await self._client.status(), self._clock.unix_s())
            self._next_status_s = now_s + self._status_s

    def _failed(self, problems: tuple[str, ...]) -> None:
        if problems != self._problems:
            _log.error("polling the policy engine: %s", "; ".join(problems))
        self._problems = problems
        self._steady = False
