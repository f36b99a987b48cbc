"""Identity and checkpoints: whose they are, and who signed them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.folders import find_logs
from sidecar.evidence.verify.run import verify_log
from sidecar.ledger.keys import read_public
from tests.unit.evidence.ledgers import other_log, problems, verified, written

if TYPE_CHECKING:
    from pathlib import Path


def test_a_checkpoint_of_another_log_is_named(ledger: Path, audit_dir: Path, tmp_path: Path) -> None:
    shutil.copy(other_log(tmp_path) / "checkpoint", ledger / "checkpoint")
    assert problems(audit_dir)[0] == "checkpoint_foreign"


def test_a_checkpoint_of_another_log_to_compare_with_is_named(audit_dir: Path, tmp_path: Path) -> None:
    against = (other_log(tmp_path) / "checkpoint").read_bytes()
    assert [one.code for one in verified(audit_dir, against=against).problems] == ["checkpoint_foreign"]


def test_a_log_whose_key_nobody_gave_does_not_hold(audit_dir: Path, tmp_path: Path) -> None:
    written(tmp_path / "other")
    (log,) = find_logs(audit_dir)
    report = verify_log(log, read_public(tmp_path / "other.pub"))
    assert [one.code for one in report.problems] == ["key_unknown", "key_unknown"]


@pytest.mark.parametrize("name", ["checkpoint", "identity"])
def test_a_note_that_is_gone_is_missed(ledger: Path, audit_dir: Path, name: str) -> None:
    (ledger / name).unlink()
    assert problems(audit_dir) == [f"{name}_missing"]
