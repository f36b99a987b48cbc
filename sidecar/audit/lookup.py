"""All records of an audit folder, as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.ledger.layout import slots
from sidecar.ledger.reading import entries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def export(audit_dir: Path) -> Iterator[bytes]:
    """Every record's exact bytes, log after log, each in its own order. A torn tail is not a record.

    Raises `ledger.segments.Damaged`.
    """
    for layout in slots(audit_dir):
        for entry in entries(layout.ledger_dir):
            yield entry.record
