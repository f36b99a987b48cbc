"""Identity and checkpoints: whose they are, and who signed them."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.folders import find_logs
from sidecar.evidence.verify.run import verify_log
from sidecar.ledger.keys import read_public
from tests.unit.evidence.ledgers import Writer, other_log, problems, verified, written

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


@pytest.mark.parametrize("name", ["checkpoint", "identity"])
def test_a_folder_in_the_place_of_a_note_is_no_note(ledger: Path, audit_dir: Path, name: str) -> None:
    (ledger / name).unlink()
    (ledger / name).mkdir()
    assert problems(audit_dir) == [f"{name}_invalid"]


@pytest.mark.parametrize("has_identity", [True, False])
def test_what_somebody_wrote_into_a_checkpoint_cannot_paint_the_screen(
    ledger: Path, audit_dir: Path, *, has_identity: bool
) -> None:
    """A log id that is none must not get into the report, nor into the expressions that read records."""
    _, _, rest = (ledger / "checkpoint").read_bytes().partition(b"\n")
    origin = b"model-policy-sidecar/\x1b[2J(holds" + b"x" * 1_000
    (ledger / "checkpoint").write_bytes(origin + b"\n" + rest)
    if not has_identity:
        (ledger / "identity").unlink()
    report = verified(audit_dir)
    told = [one for one in report.problems if one.file == "checkpoint"]
    assert [one.code for one in told] == ["checkpoint_foreign" if has_identity else "key_unknown"]
    assert all(one.what.isprintable() and r"\x1b[2J(holds" in one.what for one in told)
    assert len(told[0].what) < 200
    assert report.log_id == verified(audit_dir).log_id
    assert set(report.log_id or "g") <= set("0123456789abcdef")


def test_after_another_key_a_copy_of_the_public_keys_needs_its_line(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(3)
    writer.close()
    older = (writer.ledger_dir / "checkpoint").read_bytes()
    old_key = read_public(tmp_path / "audit.pub")
    (tmp_path / "audit.key").unlink()
    writer = Writer(tmp_path / "audit", number=3)
    writer.exchanges(3)
    writer.close()
    (log,) = find_logs(tmp_path / "audit")
    without = verify_log(log, old_key)
    assert [one.code for one in without.problems] == ["identity_invalid", "checkpoint_invalid"]
    both = read_public(tmp_path / "audit.pub")
    assert both[0] == old_key[0]
    assert verify_log(log, both, against=older).holds
    assert [one.code for one in verify_log(log, both[1:], against=older).problems] == ["checkpoint_invalid"]
