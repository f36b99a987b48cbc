"""Puts INTENT and OUTCOME together again: what a destination gets is exchanges, what the log has is records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.port import Kind
from sidecar.ship.log_record import LogData, read_log_record
from sidecar.ship.span import SpanData, read_span

if TYPE_CHECKING:
    from collections.abc import Iterator

Item = SpanData | LogData

OPEN_LIMIT = 8_192
"""INTENTs that wait for their OUTCOME; a sidecar lets in 512 requests at once unless told otherwise."""
OPEN_LIMIT_BYTES = 32 * 1024 * 1024


class Unreadable(Exception):
    """A record that is not as this version knows records. It stays in the log and is not shipped."""


class Exchanges:
    """The exchanges that are open at one place in the log.

    Beyond either limit the oldest INTENT is passed on by itself, and its OUTCOME will be too: two spans with the same
    ids, rather than records left out or memory without bound.
    """

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, bytes]] = {}
        self._open_bytes = 0

    @property
    def open(self) -> tuple[int, ...]:
        """Sequences of the INTENTs that wait."""
        return tuple(sequence for sequence, _ in self._open.values())

    def wait(self, intent: bytes) -> None:
        """Takes an INTENT that was read before, and whose OUTCOME is still to come."""
        read = orjson.loads(intent)
        self._open[read["decision_id"]] = (read["sequence"], intent)
        self._open_bytes += len(intent)

    def take(self, record: bytes) -> Iterator[Item]:
        """What a record, taken in the log's order, makes ready to be shipped. Raises Unreadable."""
        try:
            yield from self._take(record, orjson.loads(record))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error

    def _take(self, record: bytes, read: dict[str, Any]) -> Iterator[Item]:
        match read["kind"]:
            case Kind.INTENT:
                self.wait(record)
                yield from self._surplus()
            case Kind.OUTCOME:
                intent = self._awaited(read["decision_id"])
                yield read_span(read) if intent is None else read_span(orjson.loads(intent), read)
            case Kind.REFUSAL:
                yield read_span(read)
            case _:
                yield read_log_record(read)

    def _awaited(self, decision_id: str) -> bytes | None:
        _, record = self._open.pop(decision_id, (0, None))
        self._open_bytes -= len(record or b"")
        return record

    def _surplus(self) -> Iterator[Item]:
        while len(self._open) > OPEN_LIMIT or self._open_bytes > OPEN_LIMIT_BYTES:
            record = self._awaited(next(iter(self._open)))
            if record is not None:
                yield read_span(orjson.loads(record))
