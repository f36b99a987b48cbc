"""The records of one log from a time on: older segments are not read, damaged ones as far as they can be."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from sidecar.audit.heads import time_of
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged, first_of, read_header, segment_files

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def records_since(ledger_dir: Path, unix_ns: int, on_damage: Callable[[Damaged], None]) -> Iterator[bytes]:
    """Exact bytes, in order, from the segment in which `unix_ns` lies: so some are older.

    With an INTENT of each exchange that was open when that segment began. Behind damage it goes on with the next
    segment, and `on_damage` is told.
    """
    firsts = [first_of(path) for path in segment_files(ledger_dir)]
    start = _start(ledger_dir, unix_ns, on_damage)
    for first, stop in pairwise([*firsts, None]):
        if first is None or (stop is not None and stop <= start):
            continue
        try:
            for entry in entries(ledger_dir, max(first, start), stop):
                yield entry.record
        except Damaged as damage:
            on_damage(damage)


def _start(ledger_dir: Path, unix_ns: int, on_damage: Callable[[Damaged], None]) -> int:
    """Where reading begins: the newest segment that begins before the time, or the oldest there is.

    A segment's header names the oldest exchange that was open then. A clock that was set back only makes it earlier.
    """
    for path in reversed(segment_files(ledger_dir)):
        try:
            first = next(entries(ledger_dir, first_of(path), first_of(path) + 1), None)
            if first is not None and time_of(first.record) <= unix_ns:
                return min(first_of(path), read_header(path).keep_from)
        except Damaged as damage:
            on_damage(damage)
    return 0
