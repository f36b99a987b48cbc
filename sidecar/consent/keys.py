"""Where verification keys come from: a JWKS file that is watched, or an `https://` URL that is fetched.

Both keep the last good keys when a new reading fails, and count the failure. Random key ids cannot cause more
than one fetch an interval.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sidecar.consent.fetch import JWKS_LIMIT_BYTES, https_get
from sidecar.consent.jwks import KeySet, KeySetError, parse_jwks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sidecar.model.clock import Clock

FILE_POLL_S = 1.0
FETCH_INTERVAL_S = 30.0
"""At most one fetch in so long, whatever key ids tokens name."""
MAX_AGE_S = 600.0
"""Keys are fetched anew after so long without being asked for, so that a withdrawn key goes out of use."""


class KeySource(Protocol):
    """The keys in use, and how often reading them anew went well or ill (for the metrics)."""

    refreshes_total: int
    failures_total: int

    def current(self) -> KeySet:
        """The keys as last read; may set off a refresh. Cheap: called for each token."""
        ...

    async def refresh(self) -> KeySet:
        """The keys after looking for new ones, as the interval allows: for a key that was not found."""
        ...

    async def load(self) -> None:
        """The first reading, at the start; raises `KeySetError` with every problem."""
        ...

    async def aclose(self) -> None:
        """Ends what still runs."""
        ...


class _Keys:
    """What both sources share: the set in use, its revision, and the counts."""

    def __init__(self, algorithms: Collection[str]) -> None:
        self._algorithms = frozenset(algorithms)
        self._set = KeySet()
        self.last_error: str | None = None
        self.refreshes_total = 0
        self.failures_total = 0

    def _take(self, data: bytes) -> None:
        keys = parse_jwks(data, self._algorithms)
        self.refreshes_total += 1
        self.last_error = None
        if keys != self._set.keys:
            self._set = KeySet(keys, self._set.revision + 1)

    def _fail(self, error: Exception) -> None:
        self.failures_total += 1
        self.last_error = str(error)


class FileKeys(_Keys):
    """A JWKS file, read anew when its stamp changes: looked at once a second, and for an unknown key."""

    def __init__(self, path: Path, algorithms: Collection[str], clock: Clock) -> None:
        super().__init__(algorithms)
        self._path = path
        self._clock = clock
        self._stamp: tuple[int, ...] = ()
        self._looked_s = float("-inf")

    def current(self) -> KeySet:
        """See `KeySource`."""
        if self._clock.monotonic_s() - self._looked_s >= FILE_POLL_S:
            self._look()
        return self._set

    async def refresh(self) -> KeySet:
        """See `KeySource`."""
        self._look()
        return self._set

    async def load(self) -> None:
        """See `KeySource`."""
        self._looked_s = self._clock.monotonic_s()
        try:
            self._read()
        except OSError as error:
            raise KeySetError(f"{self._path} cannot be read: {error.strerror}") from error

    async def aclose(self) -> None:
        """Nothing runs."""

    def _look(self) -> None:
        self._looked_s = self._clock.monotonic_s()
        try:
            self._read()
        except (OSError, KeySetError) as error:
            self._fail(error)

    def _read(self) -> None:
        status = self._path.stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if stamp == self._stamp:
            return
        self._stamp = stamp  # also of a bad file: one change, one failure
        with self._path.open("rb") as file:
            data = file.read(JWKS_LIMIT_BYTES + 1)
        if len(data) > JWKS_LIMIT_BYTES:
            raise KeySetError(f"{self._path} is over {JWKS_LIMIT_BYTES} bytes")
        self._take(data)


class UrlKeys(_Keys):
    """A JWKS at a URL. `fetch` runs in a thread; one fetch at a time serves all who wait for a key."""

    def __init__(self, fetch: Callable[[], bytes], algorithms: Collection[str], clock: Clock) -> None:
        super().__init__(algorithms)
        self._fetch = fetch
        self._clock = clock
        self._tried_s = float("-inf")
        self._running: asyncio.Task[None] | None = None

    def current(self) -> KeySet:
        """See `KeySource`."""
        if self._clock.monotonic_s() - self._tried_s >= MAX_AGE_S:
            self._start()
        return self._set

    async def refresh(self) -> KeySet:
        """See `KeySource`."""
        if self._running is None and self._clock.monotonic_s() - self._tried_s >= FETCH_INTERVAL_S:
            self._start()
        if self._running is not None:
            # Shielded: a client that goes away must not cancel the fetch for those who wait with it.
            await asyncio.shield(self._running)
        return self._set

    async def load(self) -> None:
        """See `KeySource`."""
        await self.refresh()
        if self.last_error is not None:
            raise KeySetError(self.last_error)

    async def aclose(self) -> None:
        """Waits for a running fetch, which its deadline bounds."""
        if self._running is not None:
            await self._running

    def _start(self) -> None:
        if self._running is None:
            self._tried_s = self._clock.monotonic_s()
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        try:
            self._take(await asyncio.to_thread(self._fetch))
        except (OSError, ValueError) as error:  # KeySetError is a ValueError
            self._fail(error)
        finally:
            self._running = None


def open_keys(source: str, algorithms: Collection[str], clock: Clock) -> FileKeys | UrlKeys:
    """`--consent-keys SOURCE`: a path, or an `https://` URL. Nothing is read yet: call `load`.

    Raises ValueError for another scheme: keys that came in plain text would be anybody's.
    """
    scheme, separator, _ = source.partition("://")
    if not separator:
        return FileKeys(Path(source), algorithms, clock)
    if scheme.lower() != "https":
        raise ValueError("consent keys come from a file or an https:// URL")
    return UrlKeys(lambda: https_get(source), algorithms, clock)
