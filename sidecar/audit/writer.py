"""The one thread that writes a log: all that waits becomes durable in one commit.

queue ─▶ framed, written and synced in one call ─▶ whoever waits is told ─▶ leaves hashed
                                               about once a second: the tree goes to the notary
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Generic, TypeVar

from sidecar.audit.port import Kind, Record
from sidecar.audit.recent import Place
from sidecar.audit.records import Event, event
from sidecar.ledger.notary import NotaryThread, Snapshot
from sidecar.ledger.reading import record_mark
from sidecar.model.refusal import Refused, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.audit.recent import Recent
    from sidecar.ledger.opening import Ledger
    from sidecar.model.clock import Clock

logger = logging.getLogger("sidecar.audit")

WAIT_PER_OPEN_S = 50e-6
WAIT_LIMIT_S = 0.003
"""A commit waits for more records, longer the more exchanges are open: it costs some 70 µs of CPU, however much it
holds, and what is open will have a record soon."""
BUSY_EXCHANGES = 4
"""With fewer open a commit does not wait."""
UNWAITED_S = 0.02
"""How long a commit waits for more where nobody waits for it."""
CHECKPOINT_INTERVAL_S = 1.0
CLOCK_STEP_NS = 1_000_000_000
"""A clock that goes back by more is told in an EVENT."""
RETRY_AFTER_S = 1
_JOIN_TIMEOUT_S = 10.0

Ticket = TypeVar("Ticket")
"""Whatever the caller wants to know a record by when its fate is told."""


class Writer(Generic[Ticket]):
    """Owns a ledger. `submit` hands over a record; `tell` is called in the thread with what became of each.

    `waited_for` is whether somebody waits until a record is durable.

    After a failed write nothing is tried again: `broken` says why, and every record is refused.
    """

    def __init__(
        self,
        ledger: Ledger,
        recent: Recent,
        clock: Clock,
        tell: Callable[[Sequence[tuple[Ticket, Refused | None]]], None],
        *,
        waited_for: bool,
    ) -> None:
        self._ledger = ledger
        self._appender = ledger.appender
        self._appender.oldest_open = recent.oldest_open
        self._recent = recent
        self._clock = clock
        self._tell = tell
        self._waited_for = waited_for
        self._heads = {kind: record_mark(ledger.log_id) + f'"kind":"{kind}","sequence":'.encode() for kind in Kind}
        self._last_unix_ns = recent.last_unix_ns()
        self._unkept = 0  # records that nobody waits for, dropped since the last EVENT about them
        self._queue: queue.SimpleQueue[tuple[Record, Ticket] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="audit-writer", daemon=True)
        self.notary = NotaryThread(ledger.notary, ledger.appender)
        self.broken: str | None = None

    @property
    def size(self) -> int:
        """How many records the log has had."""
        return self._appender.next_sequence

    @property
    def waiting(self) -> int:
        """How many records wait for their commit."""
        return self._queue.qsize()

    @property
    def is_reserved(self) -> bool:
        """Whether the next segment has its place on the disk."""
        return self._appender.has_reserve

    @property
    def has_room(self) -> bool:
        """Whether an exchange that begins now could be recorded to its end."""
        return self._has_free(2)

    def start(self) -> None:
        """Begins to work."""
        self.notary.start()
        self._thread.start()

    def submit(self, record: Record, ticket: Ticket) -> None:
        """Hands over a record."""
        self._queue.put((record, ticket))

    def close(self) -> None:
        """Writes what waits, and has a last checkpoint signed over everything.

        A thread that hangs in a write keeps the log, and its lock, until the process ends.
        """
        if self._thread.ident is not None and not self._finish():
            logger.error("the audit log's disk does not answer: the log is left as it is")
            self.broken = self.broken or "its disk does not answer"
            return
        self.broken = self.broken or "closed"
        self._ledger.close()

    def _finish(self) -> bool:
        self._queue.put(None)
        self._thread.join(_JOIN_TIMEOUT_S)
        if self._thread.is_alive():
            return False
        if self._ledger.terms.archived:
            self._rotate()
        if self.broken is None:
            self._tend()
        is_done = self.notary.close()
        if is_done and self._ledger.terms.archived:
            self._rotate()  # where the reserve that it takes was only now made
        return is_done

    def commit(self, batch: Sequence[tuple[Record, Ticket]]) -> Sequence[tuple[Ticket, Refused | None]]:
        """One batch, durable or refused. Whoever waits is told before the tree grows."""
        try:
            results = [(ticket, self._stage(record)) for record, ticket in batch]
            if self.broken is None:  # else what failed is still staged, and must not be tried again
                self._appender.flush()
        except Exception as error:  # what reached the disk is not known, so nothing of this batch counts
            self._break(error)
            results = [(ticket, log_broken()) for _, ticket in batch]
        self._tell(results)
        if self.broken is None:
            self._appender.absorb()
        return results

    def _run(self) -> None:
        try:
            self._work()
        except Exception as error:  # a defect: nobody may wait for ever
            self._break(error)
            self._work()  # refuses all that comes

    def _work(self) -> None:
        due_s = time.monotonic() + CHECKPOINT_INTERVAL_S
        segment, begun_s = self._appender.first, time.monotonic()
        while (batch := self._next(due_s)) is not None:
            if batch:
                self.commit(batch)
            now_s = time.monotonic()
            if now_s >= begun_s + self._ledger.terms.rotate_s:
                self._rotate()
            # A new segment has just taken the reserve, and the next should not be a second away.
            if now_s >= due_s or self._appender.first != segment:
                due_s = now_s + CHECKPOINT_INTERVAL_S
                if self._appender.first != segment:
                    segment, begun_s = self._appender.first, now_s
                self._checkpoint()

    def _next(self, due_s: float) -> list[tuple[Record, Ticket]] | None:
        """All that waits; nothing where a checkpoint falls due first; None at the end."""
        batch: list[tuple[Record, Ticket]] = []
        try:
            item = self._queue.get(timeout=max(0.0, due_s - time.monotonic()))
            if item is not None and (patience_s := self._patience_s()):
                time.sleep(patience_s)
            while item is not None:
                batch.append(item)
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch
        self._queue.put(None)  # the end, for the next call
        return batch or None

    def _patience_s(self) -> float:
        """How long the first of a commit waits for others."""
        if not self._waited_for:
            return UNWAITED_S
        busy = len(self._recent.open)
        return min(WAIT_LIMIT_S, busy * WAIT_PER_OPEN_S) if busy >= BUSY_EXCHANGES else 0.0

    def _stage(self, record: Record) -> Refused | None:
        """Stages a record, or says why it is refused. Raises OSError."""
        if self.broken is not None:
            return log_broken()
        if not self._has_room(record):
            self._unkept += 1
            return refused("audit_unavailable", "the audit log has no room on its disk", retry_after_s=RETRY_AFTER_S)
        now_ns = self._clock.unix_ns()
        if now_ns < self._last_unix_ns - CLOCK_STEP_NS and self._has_spare(record.kind):
            stepped = {"back_ms": (self._last_unix_ns - now_ns) // 1_000_000}
            self._put(event(Event.CLOCK_STEPPED_BACK, stepped), now_ns)
        if self._unkept and not self._waited_for and self._has_spare(record.kind):
            self._put(event(Event.RECORDS_DROPPED, {"count": self._unkept}), now_ns)
            self._unkept = 0
        self._last_unix_ns = now_ns
        self._put(record, now_ns)
        return None

    def _put(self, record: Record, now_ns: int) -> None:
        sequence = self._appender.next_sequence
        line = b'%s%d,"time_unix_ns":%d,%s' % (self._heads[record.kind], sequence, now_ns, record.body[1:])
        segment, offset = self._appender.stage(line)
        if record.decision_id is not None:
            self._recent.add(record.kind, record.decision_id, Place(segment, offset, sequence))

    def _has_room(self, record: Record) -> bool:
        """An INTENT is let in only with room for its OUTCOME, beside that for all open ones.

        Slots are kept too for the EVENTs that the log adds by itself. An OUTCOME whose INTENT was dropped has none.
        """
        if record.decision_id in self._recent.open:
            return True
        if record.kind is Kind.OUTCOME:
            return False
        return self._has_free(2 if record.kind is Kind.INTENT else 1)

    def _has_free(self, records: int) -> bool:
        kept = len(self._recent.open) + records + (not self._waited_for)
        return self._appender.slots > kept and not self.notary.is_behind

    def _has_spare(self, kind: Kind) -> bool:
        """Whether an EVENT of our own beside a record that was let in leaves the OUTCOMEs their room."""
        return kind is not Kind.OUTCOME or self._appender.slots > len(self._recent.open)

    def _break(self, error: Exception) -> None:
        if self.broken is None:
            logger.error("the audit log is broken: a record could not be made durable", exc_info=error)
            self.broken = str(error) or repr(error)

    def _rotate(self) -> None:
        """A segment that is old is closed, so that an archive gets it."""
        if self.broken is None and self._appender.is_rotatable:
            try:
                self._appender.rotate()
            except Exception as error:
                self._break(error)

    def _checkpoint(self) -> None:
        """Hands the tree as it is to the notary, unless that is still at work on the last."""
        if self.broken is None and self._appender.is_gone:
            self._break(OSError("the segment that is written to was deleted"))
        if self.broken is None and self.notary.is_idle:
            self._tend()

    def _tend(self) -> None:
        tree, tiles = self._appender.tree, self._ledger.recovered.tiles
        self.notary.tend(Snapshot(tree.size, tree.root(), tuple(tiles), tree.partial_tiles()))
        tiles.clear()


def log_broken() -> Refused:
    """For what comes after a failed write, and after the end."""
    return refused("audit_unavailable", "the audit log is broken")
