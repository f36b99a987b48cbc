"""Whether this sidecar should get traffic: contract 8.

"Ready means: first activation done, a real decision answered, audit writable; later staleness answers typed
503s and alerts rather than taking every replica out."
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.audit.trail import Trail
    from sidecar.policy.policy import Policy


@dataclass(slots=True)
class Readiness:
    """`stopping` is set at SIGTERM."""

    policy: Policy
    trail: Trail
    stopping: bool = False

    def reasons(self) -> list[str]:
        """Why not; empty: ready. An activation includes a real decision in each phase."""
        reasons: list[str] = []
        if self.stopping:
            reasons.append("stopping")
        if self.policy.facts is None:
            reasons.append("no policy has been activated yet")
        if self.trail.broken:
            reasons.append(f"the audit log is broken: {self.trail.broken}")
        return reasons
