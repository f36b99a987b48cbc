"""One batch on its way to a collector: split where a part of it is rejected, resumed where it was interrupted."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Protocol

from sidecar.ship.collector import Accepted, Rejected, Signal
from sidecar.ship.destination import Unavailable
from sidecar.ship.log_record import LogData
from sidecar.ship.span import SpanData

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.ship.encode import Encoder
    from sidecar.ship.exchanges import Item

logger = logging.getLogger("sidecar.ship")


class Sender(Protocol):
    """What a delivery needs of a collector."""

    def send(self, signal: Signal, request: bytes) -> Accepted | Rejected:
        """See `Collector`."""
        ...

    def is_sound(self) -> bool:
        """See `Collector`."""
        ...


class Delivery:
    """What of a batch is not acknowledged yet. `shipped` and `rejected` count its items as they are settled."""

    def __init__(self, items: Sequence[Item]) -> None:
        spans = [item for item in items if isinstance(item, SpanData)]
        logs = [item for item in items if isinstance(item, LogData)]
        parts: list[tuple[Signal, Sequence[Item]]] = [(Signal.TRACES, spans), (Signal.LOGS, logs)]
        self._parts = deque((signal, part) for signal, part in parts if part)
        self.shipped = 0
        self.rejected = 0

    def run(self, sender: Sender, encoder: Encoder) -> None:
        """Returns when every item is acknowledged or rejected. Raises Unavailable; then it is to be called again."""
        while self._parts:
            signal, part = self._parts[0]
            answer = sender.send(signal, encoder.encode(part))
            if isinstance(answer, Accepted):
                self._settle(part, rejected=min(answer.rejected, len(part)), told=answer.message)
            elif answer.is_all:
                self._settle(part, rejected=len(part), told=answer.message)
            elif len(part) > 1:
                self._split(signal, part)
            else:
                self._reject(sender, part, answer)

    def _settle(self, part: Sequence[Item], *, rejected: int, told: str) -> None:
        self._parts.popleft()
        self.shipped += len(part) - rejected
        self.rejected += rejected
        if rejected or told:
            logger.error("otlp: the collector rejected %d of %d, which stay on record: %s", rejected, len(part), told)

    def _split(self, signal: Signal, part: Sequence[Item]) -> None:
        """In halves, until the one that is rejected is found."""
        self._parts.popleft()
        middle = len(part) // 2
        self._parts.extendleft(((signal, part[middle:]), (signal, part[:middle])))

    def _reject(self, sender: Sender, part: Sequence[Item], answer: Rejected) -> None:
        if not sender.is_sound():
            raise Unavailable(f"it rejects even an empty request: {answer.message}")
        self._settle(part, rejected=1, told=answer.message)
