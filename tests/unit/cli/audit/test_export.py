"""`sidecar audit export`: records in lines, or a site."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sidecar.ledger.segments import segment_files
from tests.unit.cli.audit.calls import audit

if TYPE_CHECKING:
    from pathlib import Path


def test_export_prints_records_or_writes_a_site(audit_dir: Path, tmp_path: Path) -> None:
    lines = audit("export", audit_dir).output.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == list(range(41))
    assert audit("export", audit_dir, "--tlog", tmp_path / "site").output == f"{tmp_path / 'site'}: 41 records\n"
    again = audit("export", audit_dir, "--tlog", tmp_path / "site")
    assert (again.exit_code, again.output) == (2, f"sidecar: {tmp_path / 'site'} is not empty: name a new folder\n")


def test_a_damaged_log_is_not_exported_as_if_it_were_whole(audit_dir: Path) -> None:
    path = segment_files(audit_dir / "0" / "ledger")[0]
    path.write_bytes(path.read_bytes()[:-3])
    shown = audit("export", audit_dir)
    assert (shown.exit_code, "`sidecar audit verify" in shown.output) == (1, True)
