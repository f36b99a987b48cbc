"""Makes bundles of what is on record, signs them, and puts them on the shelf as soon as something has changed.

In a thread, one round at a time: changes that come meanwhile are the next round's, all together, and those that come
within a second of an edition are one further edition. A bundle that cannot be made leaves the last good one where it
is, and is told in `problems`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sidecar.bundles import archive as archives
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES
from sidecar.bundles.canonical import canonical
from sidecar.bundles.manifest import Manifest
from sidecar.model.clock import SystemClock
from sidecar.registry.shelf.waiting import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sidecar.bundles.signing import SigningKey
    from sidecar.model.clock import Clock
    from sidecar.registry.shelf.waiting import Shelf
    from sidecar.registry.store.registry import Registry
    from sidecar.registry.values import Document

POLL_S = 0.25
"""How soon a change by another registry on the same database is seen."""
RETRY_S = 2.0
"""After a round in which something failed."""
EDITIONS_APART_S = 1.0
"""At least, between two editions of one bundle: each is a new revision, with which an engine's decision cache begins
anew. A change is to reach decisions within 5 s."""
REVISION_DIGITS = 16

POLICY, DATA_BUNDLE, REVOCATIONS, EARLIER = NAMES = ("policy", "data", "revocations", "revocations-earlier")
ROOTS: Mapping[str, tuple[str, ...]] = {
    DATA_BUNDLE: ("models", "datasets", "group_mean", "objections"),
    REVOCATIONS: ("revocations/tokens", "revocations/subjects", "revocations/after"),
    EARLIER: ("revocations/earlier",),
}
"""No two bundles own the same part of `data`: OPA activates neither of two that do."""
_ORDER = (REVOCATIONS, DATA_BUNDLE, POLICY, EARLIER)
"""The most pressing first."""

T = TypeVar("T")
_log = logging.getLogger("sidecar.registry")


@dataclass(frozen=True, slots=True)
class Built:
    """A bundle, and how long it took to make. `change`: the sequence in the registry that it is of."""

    served: Served
    change: int
    took_s: float


class Bundling:
    """What keeps the shelf up to date. `on_built` and `on_failed` are told of each bundle, for the metrics."""

    def __init__(
        self,
        registry: Registry,
        key: SigningKey,
        shelf: Shelf,
        *,
        on_built: Callable[[Built], None] = lambda built: None,
        on_failed: Callable[[str], None] = lambda name: None,
        clock: Clock | None = None,
    ) -> None:
        self._registry = registry
        self._key = key
        self._shelf = shelf
        self._on_built = on_built
        self._on_failed = on_failed
        self._clock = clock or SystemClock()
        self._changes: dict[str, int] = {}
        self._tried_s: dict[str, float] = {}
        self._held: set[str] = set()
        self._problems: dict[str, str] = {}
        self._due = asyncio.Event()

    @property
    def problems(self) -> list[str]:
        """Why what is served may not be the newest; empty: it is."""
        return [f"{name}: {text}" for name, text in sorted(self._problems.items())]

    @property
    def is_ready(self) -> bool:
        """Whether all that is made here is served, be it the newest or not."""
        return all(self._shelf.get(name) for name in ROOTS)

    def wake(self) -> None:
        """Something has changed: do not wait for the poll."""
        self._due.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await self.refresh(EDITIONS_APART_S)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), self._pause_s())
            self._due.clear()

    async def refresh(self, apart_s: float = 0.0) -> None:
        """One round: what has changed, and whose last edition is `apart_s` old; the rest is held for a later one.

        Never raises: what fails is told, and tried again.
        """
        changes = await self._tried("database", self._registry.sequences) or {}
        self._held.clear()
        for name in _ORDER:
            change = changes.get(name)
            if change is None or (change == self._changes.get(name) and name not in self._problems):
                continue
            if self._rest_s(name, apart_s) > 0:
                self._held.add(name)
            else:
                await self._edit(name)

    async def _edit(self, name: str) -> None:
        built = await self._tried(name, lambda: self._built(name))
        self._tried_s[name] = self._clock.monotonic_s()
        if built is not None:
            self._changes[name] = built.change
            self._shelf.put(built.served)
            self._on_built(built)

    def _rest_s(self, name: str, apart_s: float) -> float:
        """How long until its next edition may come."""
        return self._tried_s.get(name, float("-inf")) + apart_s - self._clock.monotonic_s()

    def _pause_s(self) -> float:
        held = (self._rest_s(name, EDITIONS_APART_S) for name in self._held)
        return max(0.0, min([RETRY_S if self._problems else POLL_S, *held]))

    async def _tried(self, name: str, work: Callable[[], T]) -> T | None:
        try:
            done = await asyncio.to_thread(work)
        except Exception as error:
            if name not in self._problems:
                _log.exception("%s: the last good bundles go on being served", name)
            self._problems[name] = f"{type(error).__name__}; the log has more"
            self._on_failed(name)
            return None
        if self._problems.pop(name, None) is not None:
            _log.info("%s: mended", name)
        return done

    def _built(self, name: str) -> Built:
        started_s = time.monotonic()
        if name == POLICY:
            served, change = self._policy()
        else:
            document = self._document(name)
            served, change = made(name, document, self._key), document.sequence
        return Built(served, change, time.monotonic() - started_s)

    def _document(self, name: str) -> Document:
        sources = {
            DATA_BUNDLE: self._registry.data_document,
            REVOCATIONS: self._registry.revocations,
            EARLIER: self._registry.earlier,
        }
        return sources[name]()

    def _policy(self) -> tuple[Served, int]:
        """As it was published, to the byte."""
        found = self._registry.policy_archive()
        if found is None:
            raise LookupError("a policy that was published is gone")
        published, archive = found
        etag = f'"{published.digest}"'
        return Served(POLICY, archive, etag, published.revision, published.sequence), published.sequence


def made(name: str, document: Document, key: SigningKey) -> Served:
    """The signed bundle of a document: the same bytes for the same document and key."""
    content = canonical(document.json)
    revision = hashlib.sha256(content).hexdigest()[:REVISION_DIGITS]
    manifest = Manifest(revision, ROOTS[name], document.sequence, document.created_unix_s)
    files = {DATA: content, MANIFEST: manifest.as_bytes()}
    archive = archives.write(files | {SIGNATURES: key.sign(files, name)})
    etag = f'"{hashlib.sha256(archive).hexdigest()}"'
    return Served(name, archive, etag, revision, document.sequence)
