"""`sidecar audit witness`: a request that says of a log what a witness checks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.witness import check_request
from sidecar.ledger.keys import read_public
from tests.unit.cli.audit.calls import audit
from tests.unit.evidence.ledgers import written

if TYPE_CHECKING:
    from pathlib import Path


def test_a_request_is_written_for_one_who_has_an_older_checkpoint(audit_dir: Path, tmp_path: Path) -> None:
    newest = audit_dir / "0" / "ledger" / "checkpoint"
    older = tmp_path / "older"
    older.write_bytes(newest.read_bytes())
    written(audit_dir, count=2)
    asked = audit("witness", older, audit_dir)
    assert (asked.exit_code, asked.stdout_bytes.endswith(newest.read_bytes())) == (0, True)
    keys = read_public(audit_dir.with_name(f"{audit_dir.name}.pub"))
    assert check_request(asked.stdout_bytes, older.read_bytes(), keys).size > 0


def test_what_is_no_checkpoint_has_no_continuation(audit_dir: Path, tmp_path: Path) -> None:
    junk = tmp_path / "junk"
    junk.write_bytes(b"junk")
    assert audit("witness", junk, audit_dir).exit_code == 1
    assert audit("witness", tmp_path / "missing", audit_dir).exit_code == 2
