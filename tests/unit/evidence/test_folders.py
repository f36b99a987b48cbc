from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.evidence.folders import LogFolder, NoLog, find_logs
from tests.unit.evidence.ledgers import written

if TYPE_CHECKING:
    from pathlib import Path


def test_an_audit_folder_has_the_logs_of_its_slots_in_order(tmp_path: Path) -> None:
    for slot in ("1", "0"):
        (tmp_path / "audit" / slot / "ledger").mkdir(parents=True)
    home = tmp_path / "audit"
    found = find_logs(home)
    assert found == [LogFolder(home / slot / "ledger", home) for slot in "01"]
    assert {log.default_keys for log in found} == {tmp_path / "audit.pub"}


@pytest.mark.parametrize("place", ["0", "0/ledger"])
def test_a_slot_and_a_ledger_know_the_audit_folder_and_its_keys(tmp_path: Path, place: str) -> None:
    ledger = written(tmp_path / "audit", count=1)
    (found,) = find_logs(tmp_path / "audit" / place)
    assert found == LogFolder(ledger, tmp_path / "audit")
    assert found.default_keys == tmp_path / "audit.pub"


def test_one_log_of_an_archive_is_told_by_its_checkpoints(tmp_path: Path) -> None:
    archived = tmp_path / "archive" / ("a" * 32)
    (archived / "checkpoints").mkdir(parents=True)
    (found,) = find_logs(archived)
    assert found == LogFolder(archived, None)
    assert (found.is_archive, found.default_keys) == (True, archived.with_name(f"{'a' * 32}.pub"))


def test_a_folder_without_a_log_says_what_it_should_have_been(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path, tmp_path / "file", tmp_path / "missing"):
        with pytest.raises(NoLog, match="holds no log: give an audit folder"):
            find_logs(place)
