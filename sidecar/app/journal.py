"""Tells both the meters and the audit trail what becomes of the policy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sidecar.audit.records import Event

if TYPE_CHECKING:
    from sidecar.audit.trail import Trail
    from sidecar.policy.events import PolicyEvents


class Journal:
    """`PolicyEvents` for the composition root: the policy is opened before the trail, which joins later."""

    def __init__(self, meters: PolicyEvents) -> None:
        self._meters = meters
        self._trail: Trail | None = None
        self._revision: str | None = None
        self._writing: set[asyncio.Task[None]] = set()

    def join(self, trail: Trail) -> None:
        """From here on each activation is an EVENT; the one before is told by EVENT `start`."""
        self._trail = trail

    def activated(self, revision: str) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.activated(revision)
        former, self._revision = self._revision, revision
        if self._trail is not None:
            details = {"revision": revision, "former_revision": former}
            task = asyncio.get_running_loop().create_task(self._trail.event(Event.REVISION_CHANGED, details))
            self._writing.add(task)  # the loop itself keeps no task alive
            task.add_done_callback(self._written)

    def activation_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.activation_failed()

    def poll_failed(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.poll_failed()

    def engine_restarted(self) -> None:
        """See `policy.events.PolicyEvents`."""
        self._meters.engine_restarted()

    def _written(self, task: asyncio.Task[None]) -> None:
        self._writing.discard(task)
        if not task.cancelled():
            task.exception()  # a failed append has broken the trail, which readiness and exit code tell
