"""The clock as a port: wall time for what is recorded and judged, monotonic time for what is measured."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Injected wherever time matters, so that tests can set it."""

    def unix_s(self) -> float:
        """Seconds since the epoch."""
        ...

    def unix_ns(self) -> int:
        """Nanoseconds since the epoch."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards."""
        ...


class SystemClock:
    """The machine's clock."""

    unix_s = staticmethod(time.time)
    unix_ns = staticmethod(time.time_ns)
    monotonic_s = staticmethod(time.monotonic)
