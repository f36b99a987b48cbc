"""What the policy room reports as it happens, for whoever counts it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.policy.sequences import RolledBack


class PolicyEvents(Protocol):
    """Called on the event loop, never with anything of a request; an implementation must not raise."""

    def activated(self, revision: str) -> None:
        """A policy was activated: at the start, or in place of another."""
        ...

    def activation_failed(self) -> None:
        """A new policy was not activated; the last good one goes on."""
        ...

    def rolled_back(self, bundles: Sequence[RolledBack]) -> None:
        """The engine has older bundles than it had: nothing is decided until they are mended."""
        ...

    def poll_failed(self) -> None:
        """A remote engine's revision could not be asked."""
        ...

    def engine_restarted(self) -> None:
        """A child engine that had died was started again."""
        ...

    def cross_checked(self, result: str) -> None:
        """A decision was held against another engine's: same, different, unavailable, skipped, dropped."""
        ...


class NoEvents:
    """Nobody counts."""

    def activated(self, revision: str) -> None:
        """Ignored."""

    def activation_failed(self) -> None:
        """Ignored."""

    def rolled_back(self, bundles: Sequence[RolledBack]) -> None:
        """Ignored."""

    def poll_failed(self) -> None:
        """Ignored."""

    def engine_restarted(self) -> None:
        """Ignored."""

    def cross_checked(self, result: str) -> None:
        """Ignored."""
