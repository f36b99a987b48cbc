"""Tells both the meters and the audit trail what becomes of the policy."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING

from sidecar.audit.records import Event

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.audit.trail import Trail
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.sequences import RolledBack


class Journal:
    """`PolicyEvents` for the composition root: the policy is opened before the trail, which joins later."""

    def __init__(self, meters: PolicyEvents) -> None:
        self._meters = meters
        self._trail: Trail | None = None
        self._revision: str | None = None
        self._rolled_back: Sequence[RolledBack] = ()
        self._writing: set[asyncio.Task[None]] = set()

    def join(self, trail: Trail) -> None:
        """From here on each activation is an EVENT; the one before is told by EVENT `start`.

        A rollback that was met before, and goes on, is an EVENT now.
        """
        self._trail = trail
        if self._rolled_back:
            self._write(Event.BUNDLE_ROLLED_BACK, _details(self._rolled_back))

    def activated(self, revision: str) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.activated(revision)
        former, self._revision = self._revision, revision
        self._rolled_back = ()
        self._write(Event.REVISION_CHANGED, {"revision": revision, "former_revision": former})

    def activation_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.activation_failed()

    def rolled_back(self, bundles: Sequence[RolledBack]) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.rolled_back(bundles)
        self._rolled_back = bundles
        self._write(Event.BUNDLE_ROLLED_BACK, _details(bundles))

    def poll_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.poll_failed()

    def engine_restarted(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.engine_restarted()

    def cross_checked(self, result: str) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.cross_checked(result)

    def _write(self, event: Event, details: Mapping[str, object]) -> None:
        if self._trail is None:
            return
        task = asyncio.get_running_loop().create_task(self._trail.event(event, details))
        self._writing.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._written)

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            task.exception()  # a failed append has broken the trail, which readiness and exit code tell


def _details(bundles: Sequence[RolledBack]) -> Mapping[str, object]:
    return {"bundles": [asdict(bundle) for bundle in bundles]}
