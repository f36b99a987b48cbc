from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.evidence import AuditLog
from sidecar.evidence.folders import NoLog
from sidecar.evidence.log import KeysMissing, UnknownDecision
from tests.unit.evidence.ledgers import decision_id, written

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_with_two_slots_is_read_log_after_log(tmp_path: Path) -> None:
    written(tmp_path / "audit", count=3)
    written(tmp_path / "more", count=2)
    shutil.copytree(tmp_path / "more" / "0", tmp_path / "audit" / "1")
    with (tmp_path / "audit.pub").open("a") as file:
        file.write((tmp_path / "more.pub").read_text())
    log = AuditLog.open(str(tmp_path / "audit"))
    assert [record["sequence"] for record in log] == [*range(7), *range(5)]
    assert [orjson.loads(record) for record in log.records()] == list(log)
    assert [(report.records, report.holds) for report in log.verify()] == [(7, True), (5, True)]
    with pytest.raises(NoLog, match="there are 2 logs here"):
        log.export_tlog(tmp_path / "site")


def test_a_decision_is_found_and_told(tmp_path: Path) -> None:
    written(tmp_path / "audit", count=3)
    log = AuditLog.open(tmp_path / "audit")
    assert [record["kind"] for record in log.find(decision_id(1))] == ["INTENT", "OUTCOME"]
    assert log.show(decision_id(1)).startswith(f"decision {decision_id(1)}")
    with pytest.raises(UnknownDecision):
        log.show(decision_id(7))


def test_keys_are_those_beside_the_folder_unless_others_are_named(tmp_path: Path) -> None:
    written(tmp_path / "audit", count=3)
    shutil.move(tmp_path / "audit.pub", tmp_path / "trusted.pub")
    with pytest.raises(KeysMissing, match=r"audit\.pub is not there"):
        AuditLog.open(tmp_path / "audit").verify()
    log = AuditLog.open(tmp_path / "audit", public_key=tmp_path / "trusted.pub")
    assert (log.key_file, [report.holds for report in log.verify()]) == (tmp_path / "trusted.pub", [True])
