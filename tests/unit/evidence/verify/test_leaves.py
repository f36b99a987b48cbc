"""Records' hashes against the signed tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.ledger.frames import frame
from sidecar.ledger.reading import entries
from tests.unit.evidence.ledgers import verified

if TYPE_CHECKING:
    from pathlib import Path


def test_a_record_replaced_with_care_is_found_by_its_hash(ledger: Path, audit_dir: Path) -> None:
    entry = next(iter(entries(ledger, 10, 11)))
    changed = frame(10, 10, entry.record.replace(b"r-4", b"r-5"))
    data = bytearray(entry.segment.read_bytes())
    data[entry.offset : entry.offset + len(changed)] = changed
    entry.segment.write_bytes(data)
    found = verified(audit_dir).problems
    assert ("record_altered", 10) in [(one.code.value, one.sequence) for one in found]
    assert {one.sequence for one in found} == {10}
