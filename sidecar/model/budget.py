"""One bound on a sum, whoever holds parts of it: bytes of messages in memory, requests at work, open connections."""

from __future__ import annotations


class Budget:
    """Counted on the event loop alone. Who takes more checks `fits` first; who passes bytes on need not.

    `held` is what this process holds.
    """

    __slots__ = ("_limit", "held")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self.held = 0

    def fits(self, more: int) -> bool:
        """Whether so much more may be taken."""
        return self.held + more <= self._limit

    def hold(self, amount: int) -> None:
        """Counts it."""
        self.held += amount

    def release(self, amount: int) -> None:
        """It is let go of."""
        self.held -= amount
