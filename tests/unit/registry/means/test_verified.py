"""Only logs that verify count, and of them only what is signed."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.log import AuditLog
from sidecar.ledger.checkpoint import claimed_checkpoint
from sidecar.ledger.segments import segment_files
from sidecar.registry.means.verified import NotVerified, VerifiedLog, verified
from tests.unit.evidence.ledgers import archived
from tests.unit.registry.means.scored import Scored

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def log(tmp_path: Path) -> Scored:
    found = Scored(tmp_path)
    for _ in range(5):
        found.exchange(["a"], [0.5])
    return found


def test_a_log_that_holds_is_known_by_its_id_its_size_and_its_root(log: Scored) -> None:
    opened = log.close()
    (folder,) = opened.folders
    signed = claimed_checkpoint(folder.checkpoint.read_bytes())
    expected = VerifiedLog(folder, log.writer.ledger.log_id, 0, 10, 10, signed.root)
    assert verified([opened]) == [expected]
    assert expected.as_json() == {
        "log": log.writer.ledger.log_id,
        "first": 0,
        "end": 10,
        "tree_size": 10,
        "root_sha256": signed.root.hex(),
    }


def test_what_is_newer_than_the_checkpoint_does_not_count_yet(log: Scored) -> None:
    log.writer.write()
    log.writer.sign()
    log.exchange(["a"], [0.9])
    log.writer.write()
    (found,) = verified([AuditLog.open(log.audit_dir)])
    assert (found.first, found.end, found.size) == (0, 10, 10)
    log.writer.ledger.close()


def test_of_an_archive_what_it_has_counts(tmp_path: Path) -> None:
    (found,) = verified([AuditLog.open(archived(tmp_path), public_key=tmp_path / "audit.pub")])
    assert 0 < found.end <= found.size


def test_a_folder_counts_once_however_often_it_is_named(log: Scored) -> None:
    log.close()
    names = [log.audit_dir, log.audit_dir / "0", log.audit_dir / "0" / "ledger"]
    assert len(verified([AuditLog.open(name, public_key=log.audit_dir.with_suffix(".pub")) for name in names])) == 1


def test_one_bad_byte_in_one_log_refuses_all_and_says_where(log: Scored, tmp_path: Path) -> None:
    good = log.close()
    copy = tmp_path / "copy"
    shutil.copytree(log.audit_dir, copy)
    (segment,) = segment_files(copy / "0" / "ledger")
    content = bytearray(segment.read_bytes())
    content[content.index(b'"scores":[0.5]') + 11] ^= 1
    segment.write_bytes(content)
    bad = AuditLog.open(copy, public_key=good.key_file)
    with pytest.raises(NotVerified) as refused:
        verified([good, bad])
    (problem,) = refused.value.problems
    assert problem.startswith(f"the log in {copy / '0' / 'ledger'} does not hold: ")
    assert problem.endswith("; `sidecar audit verify` tells more")


def test_what_another_key_signed_does_not_count(log: Scored, tmp_path: Path) -> None:
    other = Scored(tmp_path, "other")
    other.exchange(["a"], [0.5])
    other.close()
    log.close()
    with pytest.raises(NotVerified, match=r"does not hold: .*key_unknown"):
        verified([AuditLog.open(log.audit_dir, public_key=other.audit_dir.with_suffix(".pub"))])
