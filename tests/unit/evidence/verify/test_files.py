"""Every file has its place and its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.findings import Findings
from sidecar.evidence.verify.files import TileFile, list_files
from sidecar.ledger.segments import segment_files
from tests.unit.evidence.ledgers import verified

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", ["note.txt", "records/1.seg", "tile/0/1", "tile/0/000.p/256", "tile/entries/000"])
def test_a_file_that_nobody_knows_is_named(ledger: Path, audit_dir: Path, name: str) -> None:
    (ledger / name).parent.mkdir(parents=True, exist_ok=True)
    (ledger / name).write_bytes(b"?")
    (finding,) = verified(audit_dir).problems
    assert (finding.code, finding.file) == ("file_unknown", name)


def test_files_are_listed_by_what_a_checkpoints_size_makes_of_them(ledger: Path) -> None:
    findings = Findings()
    whole = list_files(ledger, 401, findings, is_archive=False)
    assert (whole.segments, whole.early, whole.late) == (segment_files(ledger), [], [])
    older = list_files(ledger, 300, findings, is_archive=False)
    assert (older.early, older.late) == ([], [TileFile(0, 1, 145)])
    newer = list_files(ledger, 450, findings, is_archive=False)
    assert (newer.early, newer.late) == ([TileFile(0, 1, 145)], [])
    assert findings.kept == []
