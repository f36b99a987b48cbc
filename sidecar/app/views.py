"""What the admin port shows of one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.app.status import status

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from sidecar.admin.meters import Meters
    from sidecar.app.readiness import Readiness
    from sidecar.audit.log import DurableLog
    from sidecar.audit.trail import Trail
    from sidecar.settings import Settings


@dataclass(frozen=True, slots=True)
class OwnViews:
    """See `admin.app.Views`."""

    settings: Settings
    readiness: Readiness
    meters: Meters
    trail: Trail
    log: DurableLog
    probes: Mapping[str, Callable[[], Awaitable[str | None]]]

    async def stuck(self) -> Sequence[str]:
        """See Views: who answers is not."""
        return ()

    async def unready(self) -> Sequence[str]:
        """See Views."""
        return self.readiness.reasons()

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """See Views."""
        return self.meters.render(accept)

    async def status(self) -> Mapping[str, object]:
        """See Views."""
        return status(self.settings, self.readiness, self.log)

    async def decision(self, decision_id: str) -> Sequence[bytes]:
        """See Views."""
        return self.trail.find(decision_id)
