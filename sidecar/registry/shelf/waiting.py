"""The bundles as they are served now, and who waits for the next ones (OPA's long polling). For one event loop."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

WAIT_LIMIT_S = 300.0
"""The longest that anybody may wait; who asks for more gets this."""


@dataclass(frozen=True, slots=True)
class Served:
    """A bundle as it goes out. `etag`: its entity tag, with quotes; another one for any other bytes."""

    name: str
    archive: bytes
    etag: str
    revision: str
    sequence: int


class Shelf:
    """What is served, by name; each change of it wakes those who wait for this name."""

    def __init__(self, names: Iterable[str], *, waiters_limit: int) -> None:
        self._changed = {name: asyncio.Event() for name in names}
        self._served: dict[str, Served] = {}
        self._waiters_limit = waiters_limit
        self._is_closing = False
        self.waiters = 0

    def get(self, name: str) -> Served | None:
        """The present one; None before the first."""
        return self._served.get(name)

    def put(self, served: Served) -> None:
        """Serves it from now on, and tells those who wait."""
        self._served[served.name] = served
        self._wake(served.name)

    def close(self) -> None:
        """Nobody waits any longer, and nobody will."""
        self._is_closing = True
        for name in self._changed:
            self._wake(name)

    async def wait(self, name: str, etag: str, timeout_s: float) -> bool:
        """Until the bundle has another tag, for `timeout_s` at most. False at once where too many wait already."""
        if self._is_closing or not self._is_present(name, etag):
            return True
        if self.waiters >= self._waiters_limit:
            return False
        self.waiters += 1
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(min(timeout_s, WAIT_LIMIT_S)):
                    while self._is_present(name, etag) and not self._is_closing:
                        await self._changed[name].wait()
        finally:
            self.waiters -= 1
        return True

    def _is_present(self, name: str, etag: str) -> bool:
        served = self._served.get(name)
        return served is not None and served.etag == etag

    def _wake(self, name: str) -> None:
        changed, self._changed[name] = self._changed[name], asyncio.Event()
        changed.set()
