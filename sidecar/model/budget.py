"""One bound on the bytes of all messages in memory, whoever holds them: requests, answers, answers being sent."""

from __future__ import annotations


class Budget:
    """Counted on the event loop alone. Who takes more checks `fits` first; who passes bytes on need not."""

    __slots__ = ("_limit_bytes", "held_bytes")

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def fits(self, more_bytes: int) -> bool:
        """Whether so many more may be taken."""
        return self.held_bytes + more_bytes <= self._limit_bytes

    def hold(self, size_bytes: int) -> None:
        """Counts them."""
        self.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """They are let go of."""
        self.held_bytes -= size_bytes
