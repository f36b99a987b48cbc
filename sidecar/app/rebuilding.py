"""The fairness window after a restart: told again all that the sidecar's own log says of its last day."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, field
from heapq import merge
from itertools import islice
from typing import TYPE_CHECKING

from sidecar.audit.heads import decision_of, kind_of, time_of
from sidecar.audit.since import records_since
from sidecar.fairness.rebuild import Feed, Join, Unreadable
from sidecar.fairness.window import Observation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sidecar.fairness.rebuild import LogClock, Step
    from sidecar.fairness.window import Store
    from sidecar.ledger.segments import Damaged
    from sidecar.model.clock import Clock
    from sidecar.model.facts import Facts

BATCH_RECORDS = 4_096
"""Read and taken apart in a thread, then told to the window on its own event loop, which that takes some 20 ms."""
TOLD_EVERY_S = 5.0

logger = logging.getLogger("sidecar.rebuilding")


@dataclass(slots=True)
class Rebuilt:
    """What a log had to say. `unreadable` counts what was passed over, by what was wrong."""

    records: int = 0
    observations: int = 0
    throttles: int = 0
    unreadable: Counter[str] = field(default_factory=Counter[str])

    def __str__(self) -> str:
        passed_over = ", ".join(f"{count:,} {what}" for what, count in sorted(self.unreadable.items()))
        return (
            f"{self.records:,} records: {self.observations:,} predictions, {self.throttles:,} throttle events"
            f"{f'; passed over: {passed_over}' if passed_over else ''}"
        )


async def rebuild(
    store: Store, log_clock: LogClock, ledger_dirs: Sequence[Path], facts: Facts, *, back_s: float, clock: Clock
) -> Rebuilt:
    """Tells the store what the last `back_s` seconds of logs say; to be awaited before the first request.

    `log_clock` is the store's clock, and is let go of at the end. Holds that ended while no sidecar ran are then among
    `store.released()`, to be recorded.
    Nothing that is wrong in the log stops a start that the ledger itself allowed: it is passed over, counted, told.
    """
    reading = _Reading(ledger_dirs, clock.unix_ns() - int(back_s * 1e9))
    feed, rebuilt, told_s = Feed(store, log_clock, facts), reading.rebuilt, clock.monotonic_s()
    while (batch := await asyncio.to_thread(reading.batch)) is not None:
        for unix_ns, step in batch:
            _tell(feed, unix_ns, step, rebuilt)
        if clock.monotonic_s() - told_s >= TOLD_EVERY_S:
            told_s = clock.monotonic_s()
            logger.info("rebuilding the fairness window from the audit log: %s so far", rebuilt)
    log_clock.let_go()
    store.tend()
    if rebuilt.observations or rebuilt.throttles or rebuilt.unreadable:
        logger.log(logging.WARNING if rebuilt.unreadable else logging.INFO, "rebuilt the fairness window: %s", rebuilt)
    return rebuilt


def _tell(feed: Feed, unix_ns: int, step: Step, rebuilt: Rebuilt) -> None:
    try:
        feed.advance(unix_ns)
        feed.take(step)
    except Exception:
        if not rebuilt.unreadable["not counted by the window"]:
            logger.exception("the window could not be told of a record")
        rebuilt.unreadable["not counted by the window"] += 1
        return
    if isinstance(step, Observation):
        rebuilt.observations += 1
    else:
        rebuilt.throttles += 1


class _Reading:
    """The steps of logs, in their order of time, a batch at a time; `batch` is called by one thread at a time."""

    def __init__(self, ledger_dirs: Sequence[Path], since_unix_ns: int) -> None:
        self.rebuilt = Rebuilt()
        self._join = Join()
        logs = [records_since(ledger_dir, since_unix_ns, self._damaged) for ledger_dir in ledger_dirs]
        self._records = logs[0] if len(logs) == 1 else merge(*logs, key=_time_of)

    def batch(self) -> list[tuple[int, Step]] | None:
        """What the next records add, each with its record's time; None at the log's end."""
        before = self.rebuilt.records
        try:
            batch = list(self._steps())
        except OSError as error:  # retention may delete a segment that is being read
            self._passed_over("files that cannot be read", str(error))
            return None
        return batch if self.rebuilt.records > before else None

    def _steps(self) -> Iterator[tuple[int, Step]]:
        for record in islice(self._records, BATCH_RECORDS):
            self.rebuilt.records += 1
            try:
                step = self._join.take(kind_of(record), decision_of(record), record)
                if step is not None:
                    yield time_of(record), step
            except (Unreadable, ValueError) as error:
                self._passed_over("unreadable records", str(error))

    def _damaged(self, damage: Damaged) -> None:
        self._passed_over("damaged segments", str(damage))

    def _passed_over(self, what: str, why: str) -> None:
        if not self.rebuilt.unreadable[what]:
            logger.warning("rebuilding the fairness window: %s", why)
        self.rebuilt.unreadable[what] += 1


def _time_of(record: bytes) -> int:
    try:
        return time_of(record)
    except ValueError:  # passed over, and told of, where it is taken
        return 0
