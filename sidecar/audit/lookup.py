"""Finding records again: recent ones by an index in memory, any of them by reading the logs."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RECENT_DECISIONS = 4_096
"""About 1.5 MiB of index."""

RECORDS_FILE = "ledger/records.jsonl"


class RecentIndex:
    """Decision id to the offsets of its records; beyond `limit` the oldest decision is forgotten."""

    def __init__(self, limit: int = RECENT_DECISIONS) -> None:
        self._limit = limit
        self._offsets: OrderedDict[str, tuple[int, ...]] = OrderedDict()

    def add(self, decision_id: str, offset: int) -> None:
        """Notes one record, in the log's order."""
        known = self._offsets.get(decision_id)
        if known is None:
            self._offsets[decision_id] = (offset,)
            if len(self._offsets) > self._limit:
                self._offsets.popitem(last=False)
        else:
            self._offsets[decision_id] = (*known, offset)

    def offsets(self, decision_id: str) -> tuple[int, ...]:
        """Where the records of a decision begin; empty for one that is unknown or forgotten."""
        return self._offsets.get(decision_id, ())


def logs(audit_dir: Path) -> list[Path]:
    """The record files of all worker slots, in the slots' order."""
    return sorted(audit_dir.glob(f"*/{RECORDS_FILE}"))


def export(audit_dir: Path) -> Iterator[bytes]:
    """Every record's exact bytes, log after log, each in its own order. A torn last line is not a record."""
    for path in logs(audit_dir):
        with path.open("rb") as file:
            yield from (line[:-1] for line in file if line.endswith(b"\n"))


def show(audit_dir: Path, decision_id: str) -> list[bytes]:
    """The records of one decision, whatever its age: reads everything."""
    needle = b'"decision_id":"%s"' % decision_id.encode()
    return [record for record in export(audit_dir) if needle in record]
