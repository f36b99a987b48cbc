from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.port import Kind
from sidecar.evidence import AuditLog
from sidecar.evidence.log import KeysMissing, UnknownDecision
from sidecar.evidence.prove import NotProven, check_proof
from sidecar.ledger.keys import read_public
from tests.unit.evidence.ledgers import Writer, decision_id, record, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.ledger.note import VerifierKey


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    written(tmp_path / "audit", count=300)
    return AuditLog.open(tmp_path / "audit")


def keys_of(tmp_path: Path) -> list[VerifierKey]:
    return read_public(tmp_path / "audit.pub")


def encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()


def test_a_proof_stands_alone(log: AuditLog, tmp_path: Path) -> None:
    document = log.prove(decision_id(42))
    proven = check_proof(encoded(document), keys_of(tmp_path))
    assert proven == log.find(decision_id(42))
    assert [one["kind"] for one in proven] == ["INTENT", "OUTCOME"]
    assert document["vkeys"] == [key.vkey for key in keys_of(tmp_path)]
    assert all(part["proof"].startswith("c2sp.org/tlog-proof@v1\nindex ") for part in document["records"])


def change_record(document: dict[str, Any]) -> None:
    part = document["records"][1]
    part["record"] = part["record"].replace('"status":200', '"status":403')


def change_index(document: dict[str, Any]) -> None:
    document["records"][0]["index"] += 1


def change_decision(document: dict[str, Any]) -> None:
    document["decision_id"] = decision_id(41)


def change_checkpoint(document: dict[str, Any]) -> None:
    document["checkpoint"] = document["checkpoint"].replace("\n601\n", "\n600\n")


def change_signature(document: dict[str, Any]) -> None:
    for part in document["records"]:
        part["proof"] = part["proof"].replace("\n601\n", "\n602\n")
    document["checkpoint"] = document["checkpoint"].replace("\n601\n", "\n602\n")


def swap_proofs(document: dict[str, Any]) -> None:
    one, two = document["records"]
    one["proof"], two["proof"] = two["proof"], one["proof"]


def leave_no_record(document: dict[str, Any]) -> None:
    document["records"] = []


def change_format(document: dict[str, Any]) -> None:
    document["format"] = "another"


def leave_out_the_proof(document: dict[str, Any]) -> None:
    del document["records"][0]["proof"]


@pytest.mark.parametrize(
    "change",
    [
        *(change_record, change_index, change_decision, change_checkpoint, change_signature, swap_proofs),
        *(leave_no_record, change_format, leave_out_the_proof),
    ],
)
def test_a_changed_proof_proves_nothing(
    log: AuditLog, tmp_path: Path, change: Callable[[dict[str, Any]], None]
) -> None:
    document = log.prove(decision_id(42))
    assert check_proof(encoded(document), keys_of(tmp_path))
    change(document)
    with pytest.raises(NotProven):
        check_proof(encoded(document), keys_of(tmp_path))


def test_a_proof_is_worth_nothing_without_the_key(log: AuditLog, tmp_path: Path) -> None:
    written(tmp_path / "other")
    with pytest.raises(NotProven, match="no known key"):
        check_proof(encoded(log.prove(decision_id(42))), read_public(tmp_path / "other.pub"))


def test_what_is_not_signed_yet_has_no_proof(tmp_path: Path) -> None:
    writer = Writer(tmp_path / "audit")
    writer.exchanges(3)
    writer.sign()
    writer.write(record(Kind.REFUSAL, 9))
    with pytest.raises(NotProven, match="the newest checkpoint covers 6 records, and this one is newer"):
        AuditLog.open(tmp_path / "audit").prove(decision_id(9))
    writer.close()
    assert AuditLog.open(tmp_path / "audit").prove(decision_id(9))["records"][0]["index"] == 6


def test_an_unknown_decision_has_none(log: AuditLog) -> None:
    with pytest.raises(UnknownDecision):
        log.prove(decision_id(9_999))


def test_without_keys_there_is_a_story_and_no_proof(log: AuditLog, tmp_path: Path) -> None:
    (tmp_path / "audit.pub").unlink()
    assert "NOT PROVEN" in log.show(decision_id(1))
    with pytest.raises(KeysMissing, match=r"audit\.pub is not there"):
        log.prove(decision_id(1))
