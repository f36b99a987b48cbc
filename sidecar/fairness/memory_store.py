"""What the workers of one pod share, in the memory of the process that supervises them: see `shared_store`.

Nothing of it need outlive that process: each worker has its own counts in its log, and says them again to a store of
another generation. No I/O: `socket_store` is the way to it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sidecar.fairness.shared_store import ALIVE_S, Beat, kept_s, minute_hash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.fairness.shared_store import Change, Put
    from sidecar.model.clock import Clock

SWEEP_S = 60.0
"""How often what nobody needs any more is looked for."""


@dataclass(slots=True)
class _Hash:
    fields: dict[str, bytes] = field(default_factory=dict[str, bytes])
    written_unix_s: float = 0.0


@dataclass(slots=True)
class _Changes:
    """Of one watch: the number of the last change, and that of each minute's last one."""

    last: int = 0
    by_minute: dict[int, int] = field(default_factory=dict[int, int])


class MemoryStore:
    """Each call is done when it returns, and so they are one after the other."""

    def __init__(self, clock: Clock, span_s: int, epoch_s: int, replicas_least: int = 1) -> None:
        """`replicas_least`: as many are there, heard of or not; so nobody has the share of one that is yet to come."""
        self._clock = clock
        self._span_s = span_s
        self._keep_s = kept_s(span_s, epoch_s)
        self._replicas_least = replicas_least
        self._generation = secrets.token_hex(8)
        self._heard_unix_s: dict[str, float] = {}
        self._hashes: dict[str, _Hash] = {}
        self._changes: dict[str, _Changes] = {}
        self._swept_unix_s = clock.unix_s()

    def beat(self, replica: str) -> Beat:
        """See SharedStore."""
        now_unix_s = self._clock.unix_s()
        self._heard_unix_s[replica] = now_unix_s
        self._heard_unix_s = {name: heard for name, heard in self._heard_unix_s.items() if heard > now_unix_s - ALIVE_S}
        if abs(now_unix_s - self._swept_unix_s) >= SWEEP_S:
            self._swept_unix_s = now_unix_s
            self._sweep(now_unix_s)
        return Beat(now_unix_s, self._generation, max(self._replicas_least, len(self._heard_unix_s)))

    def fields(self, hashes: Sequence[str]) -> list[dict[str, bytes]]:
        """See SharedStore."""
        return [dict(found.fields) if (found := self._hashes.get(name)) is not None else {} for name in hashes]

    def changes(self, watches: Sequence[tuple[str, int]]) -> list[list[tuple[int, int]]]:
        """See SharedStore."""
        return [
            sorted(
                ((minute, change) for minute, change in known.by_minute.items() if change > after),
                key=lambda pair: (pair[1], pair[0]),
            )
            if (known := self._changes.get(watch)) is not None
            else []
            for watch, after in watches
        ]

    def put(self, puts: Sequence[Put]) -> list[int]:
        """See SharedStore."""
        return [self._put(each, self._clock.unix_s()) for each in puts]

    def replace(self, changes: Sequence[Change]) -> list[bytes | None]:
        """See SharedStore."""
        return [self._replace(each, self._clock.unix_s()) for each in changes]

    def _put(self, put: Put, now_unix_s: float) -> int:
        """Changes are numbered by the time, so that numbers rise even after a loss."""
        known = self._changes.setdefault(put.watch, _Changes())
        known.last = max(int(now_unix_s * 1e6), known.last + 1)
        for minute, replica, cells in put.cells:
            fields = self._written(minute_hash(put.watch, minute), now_unix_s).fields
            if not (put.only_new and replica in fields):
                fields[replica] = cells
            known.by_minute[minute] = known.last
        first = int((now_unix_s - self._span_s) // 60)
        for minute in [minute for minute in known.by_minute if minute < first]:
            del known.by_minute[minute]
            self._hashes.pop(minute_hash(put.watch, minute), None)
        return known.last

    def _replace(self, change: Change, now_unix_s: float) -> bytes | None:
        found = self._hashes.get(change.hash)
        held = None if found is None else found.fields.get(change.field)
        if held != change.expected:
            return held or b""
        self._written(change.hash, now_unix_s).fields[change.field] = change.value
        return None

    def _written(self, name: str, now_unix_s: float) -> _Hash:
        found = self._hashes.setdefault(name, _Hash())
        found.written_unix_s = now_unix_s
        return found

    def _sweep(self, now_unix_s: float) -> None:
        before_unix_s = now_unix_s - self._keep_s
        for name in [name for name, each in self._hashes.items() if each.written_unix_s < before_unix_s]:
            del self._hashes[name]
        for watch in [watch for watch, each in self._changes.items() if each.last < before_unix_s * 1e6]:
            del self._changes[watch]
