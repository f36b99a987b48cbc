"""Which records a replay looks at."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_recorded
from sidecar.evidence.folders import find_logs
from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.reading import entries, first_sequence

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Span:
    """Which records are looked at, by their own time: `since` ≤ t < `until`, in nanoseconds; None: no end."""

    since_unix_ns: int | None = None
    until_unix_ns: int | None = None

    def __contains__(self, unix_ns: int) -> bool:
        after = self.since_unix_ns is None or unix_ns >= self.since_unix_ns
        return after and (self.until_unix_ns is None or unix_ns < self.until_unix_ns)


def home_of(folder: Path) -> Path | None:
    """The audit folder with the salts and policies of a folder's logs; None of a log alone. Raises NoLog."""
    return find_logs(folder)[0].audit_dir


def records_of(folder: Path) -> Iterator[bytes]:
    """Every record's exact bytes, log after log. Raises `folders.NoLog` and `Damaged`."""
    for log in find_logs(folder):
        for entry in entries(log.path):
            yield entry.record


def count_records(folder: Path) -> int:
    """About how many records there are, for a progress bar: what the newest checkpoints say, unverified."""
    total = 0
    for log in find_logs(folder):
        checkpoint = newest_recorded(log)
        if checkpoint is not None:
            with suppress(OSError, NoteInvalid):
                total += max(0, claimed_checkpoint(checkpoint.read_bytes()).size - first_sequence(log.path))
    return total
