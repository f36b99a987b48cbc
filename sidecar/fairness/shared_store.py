"""What replicas share, whoever keeps it: the port through which each of their syncs goes.

What is shared is hashes of fields. Each replica's counts of a minute are a field of that minute's hash, absolute: to
say them twice is to say them once. Tests and holds are fields that are replaced whole, if nobody else was faster.
Adapters: `redis_store` for sidecars of many pods, `socket_store` for the workers of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

GRACE_S = 3_600
"""How much longer than the span it covers something is kept."""

ALIVE_S = 10
"""Who was not heard of for so long does not count as a replica."""


class StoreFailed(Exception):
    """The store did not answer, or not as it should; the message says how."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What the store says of itself. A `generation` that is another than before means: it has lost what it held."""

    unix_s: float
    generation: str
    replicas: int


@dataclass(frozen=True, slots=True)
class Put:
    """Replicas' cells of minutes. `only_new`: what the store holds of a replica already is better."""

    watch: str
    cells: Sequence[tuple[int, str, bytes]]
    only_new: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a hash to be replaced, where it still holds `expected` (None: nothing)."""

    hash: str
    field: str
    expected: bytes | None
    value: bytes


class SharedStore(Protocol):
    """A connection to what is shared. All values are UTF-8. All methods raise StoreFailed, but for `close`."""

    @property
    def name(self) -> str:
        """What `/status` calls it."""
        ...

    async def beat(self, replica: str) -> Beat:
        """Says that the replica lives."""
        ...

    async def fields(self, hashes: Sequence[str]) -> list[dict[str, bytes]]:
        """All fields of each hash."""
        ...

    async def changes(self, watches: Sequence[tuple[str, int]]) -> list[list[tuple[int, int]]]:
        """Of each watch, the minutes that changed after a change, with the number of their last one."""
        ...

    async def put(self, puts: Sequence[Put]) -> list[int]:
        """Stores cells; gives the number of each change."""
        ...

    async def replace(self, changes: Sequence[Change]) -> list[bytes | None]:
        """Replaces each; where somebody else was faster, gives what is there now."""
        ...

    async def close(self) -> None:
        """Ends the connection."""
        ...


def minute_hash(watch: str, minute: int) -> str:
    """The hash with a minute's cells, a field for each replica."""
    return f"minute:{watch}:{minute}"


def kept_s(span_s: int, epoch_s: int) -> int:
    """How long after it was last written something is of use to somebody."""
    return max(span_s, 2 * epoch_s) + GRACE_S
