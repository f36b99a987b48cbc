"""Ships round after round, for as long as the process lives: with back-off, and without giving up."""

from __future__ import annotations

import logging
import random
import time
from typing import TYPE_CHECKING

from sidecar.ledger.segments import Damaged
from sidecar.ship.destination import Unavailable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from sidecar.ship.destination import Destination

POLL_S = 1.0
"""How often an idle shipper looks for a newer checkpoint, which is signed about as often."""
FIRST_PAUSE_S = 0.5
LAST_PAUSE_S = 30.0
"""Between attempts: doubled each time."""
RETRY_AFTER_LIMIT_S = 300.0
"""No destination can silence us for longer."""
LAST_ROUND_PAUSE_S = 0.5
"""Between attempts at the end."""

logger = logging.getLogger("sidecar.ship")


class Pauses:
    """How long to wait after a round. A shorter pause is drawn by lot, so that many sidecars do not come at once."""

    def __init__(self, draw: Callable[[float, float], float] = random.uniform) -> None:
        self._draw = draw
        self._failures = 0

    def succeeded(self) -> bool:
        """Whether it had failed before."""
        had_failed, self._failures = self._failures > 0, 0
        return had_failed

    def failed(self, retry_after_s: float) -> float:
        """The pause after one more failure, in seconds."""
        pause_s = min(FIRST_PAUSE_S * 2.0**self._failures, LAST_PAUSE_S)
        self._failures = min(self._failures + 1, 16)
        return max(self._draw(pause_s / 2, pause_s), min(retry_after_s, RETRY_AFTER_LIMIT_S))


def ship(destination: Destination, stop: threading.Event, pauses: Pauses, last_rounds_s: float) -> None:
    """Ships until told to stop, and then for `last_rounds_s` at most what is still due."""
    while not stop.is_set():
        stop.wait(pause_after(destination, pauses))
    deadline_s = time.monotonic() + last_rounds_s
    while (left := _last_round(destination)) is not None:
        pause_s, why = left
        if time.monotonic() + pause_s >= deadline_s:
            logger.warning("%s: not all was shipped before the end; the next start goes on: %s", destination.name, why)
            return
        time.sleep(pause_s)


def _last_round(destination: Destination) -> tuple[float, str] | None:
    """Where more is left to do: how long to wait before, and why it is not done."""
    try:
        return (0.0, "it is too much") if destination.round(is_last=True) else None
    except (Unavailable, Damaged, OSError) as error:
        return LAST_ROUND_PAUSE_S, str(error)


def pause_after(destination: Destination, pauses: Pauses) -> float:
    """Does one round; how long to wait before the next, in seconds."""
    try:
        is_more_due = destination.round(is_last=False)
    except (Unavailable, Damaged, OSError) as error:
        pause_s = pauses.failed(getattr(error, "retry_after_s", 0.0))
        logger.warning("%s: nothing is lost, but not shipped; again in %.1f s: %s", destination.name, pause_s, error)
        return pause_s
    if pauses.succeeded():
        logger.info("%s: shipping goes on", destination.name)
    return 0.0 if is_more_due else POLL_S
