"""Whether this sidecar should get traffic: contract 8.

"Ready means: first activation done, a real decision answered, audit writable; later staleness answers typed
503s and alerts rather than taking every replica out."
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.model.refusal import Refused

if TYPE_CHECKING:
    from sidecar.app.self_check import SelfCheck
    from sidecar.app.windows import Windows
    from sidecar.audit.trail import Trail
    from sidecar.policy.policy import Policy


@dataclass(slots=True)
class Readiness:
    """`is_writable` is set when EVENT `start` is on record and an exchange would have room, `stopping` at SIGTERM."""

    policy: Policy
    windows: Windows
    trail: Trail
    self_check: SelfCheck
    is_writable: bool = False
    stopping: bool = False
    _decided: bool = False

    def reasons(self) -> list[str]:
        """Why not; empty: ready. An activation includes a real decision in each phase."""
        reasons: list[str] = []
        if self.stopping:
            reasons.append("stopping")
        reasons += self._policy()
        reasons += self.self_check.reasons()
        if not self.windows.is_rebuilt:
            reasons.append("the fairness windows are not yet rebuilt from the audit log")
        if self.trail.broken:
            reasons.append(f"the audit log is broken: {self.trail.broken}")
        elif not self.is_writable:
            reasons.append("the audit log cannot take an exchange yet; is its disk full?")
        return reasons

    def _policy(self) -> list[str]:
        """Asked until the first time that it is well."""
        if self._decided:
            return []
        try:
            self.policy.snapshot()
        except Refused as refusal:
            return [f"{reason.code}: {reason.message}" for reason in refusal.reasons] + self._problems()
        self._decided = True
        return []

    def _problems(self) -> list[str]:
        return list(self.policy.status().last_error)
