"""A durable log as its tests drive it: files that can be held or fail, records of few bytes, crashes."""

from __future__ import annotations

import asyncio
import dataclasses
import shutil
import threading
import time
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.lookup import export
from sidecar.audit.opening import open_log
from sidecar.audit.port import Kind, Record
from sidecar.ledger.layout import Layout
from sidecar.model.refusal import Refused
from tests.support import FixedClock, audit_terms
from tests.unit.ledger.faulty import FaultyFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from sidecar.audit.log import DurableLog
    from tests.unit.ledger.faulty import Call

WAIT_S = 30.0
SEGMENT_BYTES = 4 << 20
SMALL_SEGMENT_BYTES = 1 << 20
"""Room for 15 records of the largest size."""
LARGEST_PAD = 65_000
NOW_NS = 1_795_300_000_000_000_000


def decision(number: int) -> str:
    return f"{number:032x}"


def record(kind: Kind, number: int | None = None, *, pad: int = 0) -> Record:
    """A record of the decision of that number; EVENTs have none."""
    ids = f'"decision_id":"{decision(number)}","request_id":"r","trace_id":"t",' if number is not None else ""
    body = f'{{{ids}"pad":"{"x" * pad}"}}'.encode()
    return Record(kind, body, None if number is None else decision(number))


def intent(number: int, *, pad: int = 0) -> Record:
    return record(Kind.INTENT, number, pad=pad)


def outcome(number: int, *, pad: int = 0) -> Record:
    return record(Kind.OUTCOME, number, pad=pad)


def event(*, pad: int = 0) -> Record:
    return record(Kind.EVENT, pad=pad)


class Opened:
    """A log below `folder`; to be started on the test's event loop, and closed."""

    def __init__(
        self, folder: Path, *, required: bool = True, segment_bytes: int = SEGMENT_BYTES, **terms_of: Any
    ) -> None:
        self.folder = folder
        self.audit_dir = folder / "audit"
        self.layout = Layout(self.audit_dir / "0")
        self.clock = FixedClock()
        self.files = FaultyFiles(self.layout.draft)
        terms = dataclasses.replace(audit_terms(self.audit_dir, segment_bytes=segment_bytes), **terms_of)
        self.log: DurableLog = open_log(self.layout.slot_dir, terms, self.clock, required=required, files=self.files)

    def start(self) -> Opened:
        self.log.start()
        return self

    def lines(self) -> list[dict[str, Any]]:
        return lines(self.audit_dir)

    def crashed(self, folder: Path) -> Path:
        """What the disk holds at this moment, as another folder: the log of a process that was killed now."""
        shutil.copytree(self.folder, folder)
        return folder


def lines(audit_dir: Path) -> list[dict[str, Any]]:
    return [orjson.loads(each) for each in export(audit_dir)]


def summary(found: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Each record's kind and the number of its decision, -1 where it has none."""
    return [(line["kind"], int(line.get("decision_id", "-1"), 16)) for line in found]


async def parked(coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task that has begun, and now waits."""
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


async def until(is_so: Callable[[], bool]) -> None:
    """For what another thread does without telling."""
    async with asyncio.timeout(WAIT_S):
        while not is_so():
            await asyncio.to_thread(time.sleep, 0.001)


class Gate:
    """Holds the calls that `which` picks until `release`; then lets all pass."""

    def __init__(self, files: FaultyFiles, which: Callable[[Call], bool]) -> None:
        self._which = which
        self._entered = threading.Event()
        self._released = threading.Event()
        self.failure: BaseException | None = None
        files.before = self._hold

    async def entered(self) -> None:
        """Until a call waits here."""
        assert await asyncio.to_thread(self._entered.wait, WAIT_S)

    def release(self) -> None:
        self._released.set()

    def _hold(self, call: Call) -> None:
        if self._which(call) and not self._released.is_set():
            self._entered.set()
            assert self._released.wait(WAIT_S)
            if self.failure is not None:
                raise self.failure


def held_write(files: FaultyFiles) -> Gate:
    return Gate(files, lambda call: call.name == "write")


async def gathered(it: Opened, *records: Record) -> list[str | None]:
    """Appends all at once: for each the reason of its refusal, None where it is on record."""
    results = await asyncio.gather(*(it.log.append(each) for each in records), return_exceptions=True)
    return [each.reasons[0].message if isinstance(each, Refused) else None for each in results]
