"""A directory of Rego as a source of generations: polled, rebuilt on change, activated only when good."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from typing import TYPE_CHECKING, Protocol

from sidecar.policy.bundle import build
from sidecar.policy.events import NoEvents
from sidecar.policy.generation import Generation, activate
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.model.clock import Clock
    from sidecar.policy.bundle import Bundle
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.port import Engine

POLL_S = 0.5
SETTLE_S = 0.1
"""A file that still changes after this long is still being written."""
RETRY_S = 10.0
"""A policy that failed is tried again after this long though nothing changed: the cause may lie elsewhere."""

Fingerprint = frozenset[tuple[str, int, int, int]]

_log = logging.getLogger("sidecar.policy")


class EngineMaker(Protocol):
    """Makes an engine of one kind for each bundle."""

    @property
    def kind(self) -> str:
        """`opa` or `embedded`."""
        ...

    @property
    def restarts(self) -> int:
        """Over all engines made."""
        ...

    async def make(self, bundle: Bundle) -> Engine:
        """Checks the bundle and starts an engine with it; raises `PolicyProblems`."""
        ...


class Keeper(Protocol):
    """Keeps each policy that decides, so that its decisions can be replayed."""

    def keep(self, revision: str, archive: bytes) -> None:
        """Makes a bundle durable; called in a thread before its first decision. Raises OSError."""
        ...


class DirectorySource:
    """`Source` over a directory and a data file. A change takes effect within 2 s, a broken one never."""

    steady = True
    obstacle = None
    bundles = ()

    def __init__(
        self,
        root: Path,
        data_file: Path | None,
        maker: EngineMaker,
        clock: Clock,
        *,
        events: PolicyEvents | None = None,
        keeper: Keeper | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self._root = root
        self._data_file = data_file
        self._maker = maker
        self._clock = clock
        self._events = events or NoEvents()
        self._keeper = keeper
        self._poll_s = poll_s
        self._generation: Generation | None = None
        self._problems: tuple[str, ...] = ()
        self._task: asyncio.Task[None] | None = None

    @property
    def kind(self) -> str:
        """As the maker says."""
        return self._maker.kind

    @property
    def generation(self) -> Generation | None:
        """The last good one."""
        return self._generation

    @property
    def problems(self) -> tuple[str, ...]:
        """What is wrong with the directory as it stands now."""
        return self._problems

    @property
    def restarts(self) -> int:
        """As the maker counts."""
        return self._maker.restarts

    def age_s(self) -> float | None:
        """None: a directory is current by definition (contract 3)."""
        return None

    async def refresh(self) -> None:
        """Nothing to do: the generation in whose place another came has answered, and is gone."""

    async def start(self) -> None:
        """The first activation, then the watch; raises `PolicyProblems`."""
        seen = await asyncio.to_thread(fingerprint, self._root, self._data_file)
        await self._refresh()
        self._task = asyncio.create_task(self._watch(seen), name="policy watch")

    async def aclose(self) -> None:
        """Stops the watch and closes the engine."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._generation is not None:
            await self._generation.engine.aclose()

    async def _watch(self, seen: Fingerprint) -> None:
        while True:
            seen = await self._change(seen)
            try:
                await self._refresh()
            except PolicyProblems as failure:
                self._failed(failure.problems)
            except Exception as error:
                _log.exception("the policy directory could not be looked at")
                self._failed((f"unexpected: {type(error).__name__}",))

    async def _change(self, seen: Fingerprint) -> Fingerprint:
        """Waits until the files differ from `seen` and hold still, or a failure is worth another try."""
        retry_at_s = self._clock.monotonic_s() + RETRY_S
        while True:
            await asyncio.sleep(self._poll_s)
            now = await asyncio.to_thread(fingerprint, self._root, self._data_file)
            while now != seen:
                seen = now
                await asyncio.sleep(SETTLE_S)
                now = await asyncio.to_thread(fingerprint, self._root, self._data_file)
                if now == seen:
                    return seen
            if self._problems and self._clock.monotonic_s() >= retry_at_s:
                return seen

    async def _refresh(self) -> None:
        bundle = await asyncio.to_thread(build, self._root, self._data_file)
        old = self._generation
        if old is None or bundle.revision != old.facts.revision:
            self._generation = await self._make(bundle)
            self._events.activated(bundle.revision)
            _log.info("policy %s is active in the %s engine", bundle.revision, self.kind)
            if bundle.absent:
                _log.error("shipped guards are absent, so requests are refused: %s", ", ".join(bundle.absent))
            if old is not None:
                await old.engine.aclose()
        elif self._problems:
            _log.info("the policy is again what is active: %s", bundle.revision)
        self._problems = ()

    async def _make(self, bundle: Bundle) -> Generation:
        engine = await self._maker.make(bundle)
        try:
            generation = await activate(engine, self._clock)
            await asyncio.to_thread(self._keep, bundle)
        except BaseException:
            await engine.aclose()
            raise
        return generation

    def _keep(self, bundle: Bundle) -> None:
        if self._keeper is None:
            return
        try:
            self._keeper.keep(bundle.revision, bundle.archive())
        except OSError as error:
            raise PolicyProblems([f"the policy cannot be kept for replay: {error}"]) from None

    def _failed(self, problems: tuple[str, ...]) -> None:
        if problems != self._problems:
            _log.error("the change is not activated, the last good policy goes on: %s", "; ".join(problems))
        self._problems = problems
        self._events.activation_failed()


def fingerprint(root: Path, data_file: Path | None) -> Fingerprint:
    """What a change of any Rego file under `root`, or of the data file, changes. Blocks: use a thread."""
    return frozenset(_stats(root, data_file))


def _stats(root: Path, data_file: Path | None) -> Iterator[tuple[str, int, int, int]]:
    paths = [] if data_file is None else [str(data_file)]
    for folder, folders, names in os.walk(root):
        # A mounted ConfigMap keeps its versions in hidden folders and links to them.
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths.extend(os.path.join(folder, name) for name in names if name.endswith(".rego"))
    for path in paths:
        with contextlib.suppress(OSError):  # gone in the meantime: then it is not in the fingerprint
            stat = os.stat(path)
            yield path, stat.st_mtime_ns, stat.st_size, stat.st_ino
