"""The audit log of one worker slot, as the event loop sees it: group commit over the ledger.

A caller goes on when its record is durable. After a failed write nothing is tried again: the log is broken for good,
and the process must end. A disk that is full breaks nothing: new exchanges are refused until there is room again,
while room for the OUTCOME of each open one is kept.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from sidecar.audit.uncut import Uncut, uncut
from sidecar.audit.writer import Writer, log_broken
from sidecar.ledger.reading import read_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.audit.port import Record
    from sidecar.audit.recent import Recent
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.opening import Ledger
    from sidecar.model.clock import Clock
    from sidecar.model.refusal import Refused

QUEUE_LIMIT = 2_048
"""Records that wait with `best_effort`, some 3 MiB and at most 128; else each exchange waits with one at most."""


class DurableLog:
    """The `AuditLog` port over a ledger. Made by `opening.open_log`; `start` begins the work.

    Until `start` the ledger is its maker's thread's, which may `write`; from then on the writer's thread's alone. All
    else is to be called on the event loop that called `start`.
    `required` False is the delivery `best_effort`: nobody waits, and what cannot be recorded is dropped and counted.
    """

    def __init__(self, ledger: Ledger, layout: Layout, recent: Recent, clock: Clock, *, required: bool) -> None:
        self._signer = ledger.signer
        self._layout = layout
        self._recent = recent
        self._required = required
        self._writer: Writer[Uncut[None] | None] = Writer(ledger, recent, clock, self._tell, waited_for=required)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self.log_id = ledger.log_id
        self.dropped_total = 0

    def start(self) -> None:
        """Begins to take records; to be called on the event loop that appends."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    @property
    def identity(self) -> dict[str, str]:
        """What tells this log from all others: the origin in its checkpoints, and the key that signs them."""
        return {"origin": self._signer.name, "key": self._signer.vkey}

    @property
    def broken(self) -> str | None:
        """See the port. With `best_effort` a broken log ends nothing."""
        return self._writer.broken if self._required else None

    @property
    def problem(self) -> str | None:
        """What could not be signed, reserved or deleted at the last try, or None: nothing is lost by it.

        With `best_effort` also why nothing is recorded any more.
        """
        return self._writer.broken or self._writer.notary.problem

    @property
    def size(self) -> int:
        """How many records the log has had."""
        return self._writer.size

    @property
    def unsigned(self) -> int:
        """How many of them no signed checkpoint covers yet."""
        return self._writer.size - self._writer.notary.signed_size

    @property
    def is_reserved(self) -> bool:
        """Whether the next segment has its place on the disk."""
        return self._writer.is_reserved

    @property
    def has_room(self) -> bool:
        """Whether an exchange that begins now is not refused for want of room."""
        return not self._required or self._writer.has_room

    @property
    def housekeeping_failures_total(self) -> int:
        """How often something could not be signed, reserved or deleted."""
        return self._writer.notary.failures_total

    async def append(self, record: Record) -> None:
        """See the port."""
        if not self._required:
            self._offer(record)
            return
        if self._writer.broken is not None or self._closed:
            raise log_broken()
        wait: Uncut[None] = Uncut(loop=self._loop)
        self._writer.submit(record, wait)
        await uncut(wait)

    def write(self, records: Sequence[Record]) -> None:
        """Appends before `start`, in the caller's thread. Raises `Refused`."""
        for _, failure in self._writer.commit([(record, None) for record in records]):
            if failure is not None:
                raise failure

    def find(self, decision_id: str) -> list[bytes]:
        """See the port."""
        found = [
            read_frame(self._layout.segment(place.segment), place.offset, place.sequence)
            for place in self._recent.places(decision_id)
        ]
        return [record for record in found if record is not None]

    async def aclose(self) -> None:
        """See the port. Signs a last checkpoint over everything. A second call does nothing."""
        if not self._closed:
            self._closed = True
            await asyncio.to_thread(self._writer.close)

    def _offer(self, record: Record) -> None:
        if self._writer.broken is not None or self._closed or self._writer.waiting >= QUEUE_LIMIT:
            self.dropped_total += 1
        else:
            self._writer.submit(record, None)

    def _tell(self, results: Sequence[tuple[Uncut[None] | None, Refused | None]]) -> None:
        """In the writer's thread."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody waits
                self._loop.call_soon_threadsafe(self._resolve, results)

    def _resolve(self, results: Sequence[tuple[Uncut[None] | None, Refused | None]]) -> None:
        for wait, failure in results:
            if wait is None:
                self.dropped_total += failure is not None
            elif failure is None:
                wait.set_result(None)
            else:
                wait.set_exception(failure)
