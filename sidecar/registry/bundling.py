"""Makes bundles of what is on record, signs them, and puts them on the shelf as soon as something has changed.

In a thread, one round at a time: changes that come meanwhile are the next round's, all together. A bundle that cannot
be made leaves the last good one where it is, and is told in `problems`.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import func, select

from sidecar.bundles import archive as archives
from sidecar.bundles.archive import DATA, MANIFEST, SIGNATURES
from sidecar.bundles.canonical import canonical
from sidecar.bundles.manifest import Manifest
from sidecar.registry import database, tables
from sidecar.registry.waiting import Served

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Engine

    from sidecar.bundles.signing import SigningKey
    from sidecar.registry.registry import Registry
    from sidecar.registry.values import Document
    from sidecar.registry.waiting import Shelf

POLL_S = 0.25
"""How soon a change by another registry on the same database is seen."""
RETRY_S = 2.0
"""After a round in which something failed."""
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
        engine: Engine,
        key: SigningKey,
        shelf: Shelf,
        *,
        on_built: Callable[[Built], None] = lambda built: None,
        on_failed: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._registry = registry
        self._engine = engine
        self._key = key
        self._shelf = shelf
        self._on_built = on_built
        self._on_failed = on_failed
        self._changes: dict[str, int] = {}
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
            await self.refresh()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._due.wait(), RETRY_S if self._problems else POLL_S)
            self._due.clear()

    async def refresh(self) -> None:
        """One round. Never raises: what fails is told, and tried again in the next one."""
        changes = await self._tried("database", lambda: newest_changes(self._engine)) or {}
        for name in _ORDER:
            change = changes.get(name)
            if change is None or (change == self._changes.get(name) and name not in self._problems):
                continue
            built = await self._tried(name, lambda name=name: self._built(name))
            if built is not None:
                self._changes[name] = built.change
                self._shelf.put(built.served)
                self._on_built(built)

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


def newest_changes(engine: Engine) -> dict[str, int]:
    """The sequence of the last change of what each bundle is made of; none of `policy` before the first. Cheap."""
    with database.reading(engine) as connection:
        rows = connection.execute(select(tables.document.c.name, tables.document.c.sequence))
        changes: dict[str, int] = {row.name: row.sequence for row in rows}
        policy: int | None = connection.scalar(select(func.max(tables.policy.c.sequence)))
    return changes if policy is None else {**changes, POLICY: policy}


def made(name: str, document: Document, key: SigningKey) -> Served:
    """The signed bundle of a document: the same bytes for the same document and key."""
    content = canonical(document.json)
    revision = hashlib.sha256(content).hexdigest()[:REVISION_DIGITS]
    manifest = Manifest(revision, ROOTS[name], document.sequence, document.created_unix_s)
    files = {DATA: content, MANIFEST: manifest.as_bytes()}
    archive = archives.write(files | {SIGNATURES: key.sign(files, name)})
    etag = f'"{hashlib.sha256(archive).hexdigest()}"'
    return Served(name, archive, etag, revision, document.sequence)
