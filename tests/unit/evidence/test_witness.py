from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence import AuditLog
from sidecar.evidence.prove import NotProven
from sidecar.evidence.witness import check_request
from sidecar.ledger.checkpoint import open_checkpoint
from sidecar.ledger.keys import read_public
from tests.unit.evidence.ledgers import written

if TYPE_CHECKING:
    from pathlib import Path


def grown(tmp_path: Path, first: int, then: int) -> tuple[AuditLog, bytes]:
    """A log that was signed with `first` exchanges and goes on with `then` more, and the first checkpoint."""
    audit_dir = tmp_path / "audit"
    written(audit_dir, count=first)
    older = (audit_dir / "0" / "ledger" / "checkpoint").read_bytes()
    written(audit_dir, count=then)
    return AuditLog.open(audit_dir), older


def size_of(note: bytes) -> int:
    return int(note.split(b"\n")[1])


@pytest.mark.parametrize(("first", "then"), [(1, 1), (3, 130), (130, 5), (300, 300)])
def test_a_request_proves_that_the_newest_checkpoint_continues_the_older(tmp_path: Path, first: int, then: int) -> None:
    log, older = grown(tmp_path, first, then)
    request = log.witness(older)
    keys = read_public(tmp_path / "audit.pub")
    note = (tmp_path / "audit" / "0" / "ledger" / "checkpoint").read_bytes()
    assert request.startswith(b"old %d\n" % size_of(older))
    assert request.endswith(b"\n\n" + note)
    assert check_request(request, older, keys) == open_checkpoint(note, keys)


def test_a_changed_proof_proves_nothing(tmp_path: Path) -> None:
    log, older = grown(tmp_path, 130, 5)
    lines = log.witness(older).split(b"\n")
    keys = read_public(tmp_path / "audit.pub")
    lines[1], lines[2] = lines[2], lines[1]
    with pytest.raises(NotProven, match="does not continue"):
        check_request(b"\n".join(lines), older, keys)
    with pytest.raises(NotProven, match="no request"):
        check_request(b"old 1\nnonsense", older, keys)
    with pytest.raises(NotProven, match="not for one who has that checkpoint"):
        check_request(log.witness(older), (tmp_path / "audit" / "0" / "ledger" / "checkpoint").read_bytes(), keys)


def test_a_log_that_was_rolled_back_has_no_proof(tmp_path: Path) -> None:
    audit_dir = tmp_path / "audit"
    written(audit_dir, count=3)
    shutil.copytree(audit_dir, tmp_path / "older")
    written(audit_dir, count=3)
    newer = (audit_dir / "0" / "ledger" / "checkpoint").read_bytes()
    log = AuditLog.open(tmp_path / "older", public_key=tmp_path / "audit.pub")
    with pytest.raises(NotProven, match="rolled back"):
        log.witness(newer)
