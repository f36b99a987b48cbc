"""Asking for one bundle for as long as the sidecar runs: at once what is new, and ever less often what fails."""

from __future__ import annotations

import asyncio
import logging
import random
from typing import TYPE_CHECKING, Protocol

from sidecar.policy.bundled.fetching import Fetched, Fetcher, FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.model.clock import Clock
    from sidecar.policy.bundled.config import BundleSpec

FIRST_DELAY_S = 0.1
"""After one failure; it doubles with each further one, up to the file's `max_delay_seconds`."""
LONG_POLLING_PAUSE_S = 0.05
"""Between an answer and the next request that waits: a server that does not wait is not asked without end."""

_log = logging.getLogger("sidecar.policy")


class Receiver(Protocol):
    """What becomes of answers. None of these raises."""

    async def arrived(self, name: str, archive: bytes) -> None:
        """The server has this bundle now."""
        ...

    async def confirmed(self, name: str) -> None:
        """The server still has what arrived last."""
        ...

    async def failed(self, name: str, problem: str) -> None:
        """Nothing could be learnt."""
        ...


class Follower:
    """Of one bundle."""

    def __init__(
        self,
        spec: BundleSpec,
        receiver: Receiver,
        clock: Clock,
        *,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        """`uniform`: chance, for many sidecars must not ask at the same moment."""
        self._spec = spec
        self._receiver = receiver
        self._uniform = uniform
        self._fetcher = Fetcher(spec, clock)
        self._tag = b""
        self._waits = False
        self._failures = 0

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            try:
                await self._take(await self._fetcher.fetch(self._tag, self._wait_s()))
            except FetchFailed as failure:
                await self._fail(str(failure))
            except Exception as error:
                _log.exception("bundle %s could not be asked for", self._spec.name)
                await self._fail(f"unexpected: {type(error).__name__}")
            await asyncio.sleep(self.pause_s())

    async def aclose(self) -> None:
        """After `run` was cancelled: closes the connection."""
        await self._fetcher.aclose()

    def pause_s(self) -> float:
        """Until the next request."""
        if self._failures:
            # The exponent is bounded: a server that is away for a year must not overflow it.
            longest_s = min(self._spec.max_delay_s, FIRST_DELAY_S * 2 ** min(self._failures - 1, 30))
            return self._uniform(longest_s / 2, longest_s)
        if self._wait_s() is not None:
            return LONG_POLLING_PAUSE_S
        return self._uniform(self._spec.min_delay_s, self._spec.max_delay_s)

    def _wait_s(self) -> int | None:
        """Not after a failure: that it is over shall be known at once."""
        return self._spec.long_polling_s if self._waits and self._tag and not self._failures else None

    async def _take(self, fetched: Fetched) -> None:
        self._failures, self._waits, self._tag = 0, fetched.waits, fetched.tag
        if fetched.archive is None:
            await self._receiver.confirmed(self._spec.name)
        else:
            await self._receiver.arrived(self._spec.name, fetched.archive)

    async def _fail(self, problem: str) -> None:
        self._failures += 1
        await self._receiver.failed(self._spec.name, problem)
