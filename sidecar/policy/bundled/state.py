"""What is known of one bundle: what is active, what came after it, and what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.policy.bundled.config import BundleSpec
    from sidecar.policy.bundled.opening import Opened

NEVER = "0001-01-01T00:00:00Z"
"""Go's zero time, as OPA writes it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A good bundle that is to become active. `archive`: to be kept on the disk; None: it comes from there."""

    opened: Opened
    archive: bytes | None


@dataclass(slots=True)
class BundleState:
    """Changed on the event loop alone. Times in Unix seconds, 0: never.

    `latest`: digest of what the server had last, be it good or not. `unreached`, `refused`, `unkept`: why it could
    not be asked, why what it has is not active, why what is active is not on the disk; empty where nothing is wrong.
    """

    spec: BundleSpec
    active: Opened | None = None
    candidate: Candidate | None = None
    latest: str = ""
    unreached: str = ""
    refused: str = ""
    unkept: str = ""
    unkept_archive: bytes | None = None
    requested_unix_s: float = 0.0
    downloaded_unix_s: float = 0.0
    activated_unix_s: float = 0.0

    @property
    def newest(self) -> Opened | None:
        """What should be active."""
        return self.active if self.candidate is None else self.candidate.opened

    @property
    def is_current(self) -> bool:
        """Whether what the server had last is active."""
        return self.active is not None and self.latest == self.active.digest

    def as_status(self) -> dict[str, object]:
        """In the form of OPA's status, so that age and problems are read by the same code."""
        problem = "; ".join(told for told in (self.unreached, self.refused, self.unkept) if told)
        return {
            "active_revision": "" if self.active is None else self.active.manifest.revision,
            "last_successful_activation": _text(self.activated_unix_s),
            "last_successful_download": _text(self.downloaded_unix_s),
            "last_successful_request": _text(self.requested_unix_s),
            **({"code": "bundle_error", "message": problem} if problem else {}),
        }


def _text(unix_s: float) -> str:
    """RFC 3339."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat() if unix_s > 0 else NEVER
