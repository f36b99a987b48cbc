"""Log lines that callers can provoke, at most one a second: a log is a buffer too, and it has a bound."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.model.clock import Clock

LINE_LIMIT = 300

_log = logging.getLogger("sidecar.policy")


class QuietLog:
    """Errors of one kind. What is left out is counted and told with the next line."""

    def __init__(self, clock: Clock, *, interval_s: float = 1.0) -> None:
        self._monotonic_s = clock.monotonic_s
        self._interval_s = interval_s
        self._next_s = float("-inf")
        self._left_out = 0

    def failure(self, what: str, detail: str) -> None:
        """`detail` is an engine's own text: cut to one bounded line, and never shown to a client."""
        now_s = self._monotonic_s()
        if now_s < self._next_s:
            self._left_out += 1
            return
        line = " ".join(detail.split())[:LINE_LIMIT]
        _log.error("%s: %s (and %d more like it)", what, line, self._left_out)
        self._next_s = now_s + self._interval_s
        self._left_out = 0
