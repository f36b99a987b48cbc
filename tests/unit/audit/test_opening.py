from __future__ import annotations

import errno
import stat
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.opening import AuditLogError, open_log
from sidecar.audit.salts import Salts
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import segment_files
from tests.support import FixedClock, audit_terms
from tests.unit.audit.logs import Opened, decision, event, intent, lines, outcome, record, summary, until
from tests.unit.ledger.faulty import Fail, FaultyFiles

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.audit.port import Kind


async def test_an_intent_that_a_crash_left_open_is_closed_by_an_unknown_outcome_once(tmp_path: Path) -> None:
    it = Opened(tmp_path / "live").start()
    for each in (intent(1), intent(2), outcome(1), event()):
        await it.log.append(each)
    folder = it.crashed(tmp_path / "crashed")
    await it.log.aclose()
    again = Opened(folder)
    last = again.lines()[4:]
    expected = {
        "v": 1,
        "log": it.log.log_id,
        "kind": "OUTCOME",
        "sequence": 4,
        "time_unix_ns": 1_795_300_000_000_000_000,
        "decision_id": decision(2),
        "request_id": "r",
        "trace_id": "t",
        "result": "unknown",
    }
    assert [{name: line[name] for name in expected} for line in last] == [expected]
    assert len(again.log.find(decision(2))) == 2
    await again.log.aclose()
    await Opened(folder).log.aclose()
    assert len(lines(folder / "audit")) == 5


async def test_an_exchange_that_stayed_open_over_rotations_is_closed_at_the_next_start_and_only_then(
    tmp_path: Path,
) -> None:
    it = Opened(tmp_path / "live", segment_bytes=1 << 20).start()
    await it.log.append(intent(1))
    for number in range(2, 102):
        await until(lambda: it.log.is_reserved)
        await it.log.append(intent(number, pad=40_000))
        await it.log.append(outcome(number))
    assert len(segment_files(it.layout.ledger_dir)) >= 4
    assert [each for each in summary(it.lines()) if each[1] == 1] == [("INTENT", 1)]
    folder = it.crashed(tmp_path / "crashed")
    await it.log.append(outcome(1))
    await it.log.aclose()
    again = Opened(folder, segment_bytes=1 << 20)
    assert summary(again.lines())[-1] == ("OUTCOME", 1)
    assert (again.lines()[-1]["result"], again.log.size) == ("unknown", 202)
    await again.log.aclose()


async def test_a_start_after_a_stop_adds_nothing(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(intent(1))
    await it.log.append(outcome(1))
    await it.log.aclose()
    again = Opened(tmp_path).start()
    assert len(again.log.find(decision(1))) == 2
    await again.log.append(event())
    await again.log.aclose()
    assert [(line["log"], line["sequence"]) for line in again.lines()] == [(it.log.log_id, n) for n in range(3)]


async def test_a_new_key_is_an_event(tmp_path: Path) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(event())
    await it.log.aclose()
    (tmp_path / "audit.key").unlink()
    again = Opened(tmp_path).start()
    assert [(line["event"], line["details"]) for line in again.lines()[1:]] == [
        ("key_changed", {"key": again.log.identity["key"]})
    ]
    await again.log.aclose()
    await Opened(tmp_path).log.aclose()
    assert len(lines(tmp_path / "audit")) == 2


async def test_what_cannot_be_closed_for_want_of_a_disk_is_an_error_and_loses_nothing(tmp_path: Path) -> None:
    it = Opened(tmp_path / "live").start()
    await it.log.append(intent(1))
    folder = it.crashed(tmp_path / "crashed")
    await it.log.aclose()
    audit_dir = folder / "audit"
    files = FaultyFiles(audit_dir / "0" / "draft")
    problems = {"reserve": "cannot be opened: .*No space left.*make room on its disk", "write": "written: is"}
    for name, problem in problems.items():
        Fail(files, lambda call, name=name: call.name == name, errno.ENOSPC)
        with pytest.raises(AuditLogError, match=problem):
            open_log(audit_dir / "0", audit_terms(audit_dir), FixedClock(), files=files)
        assert summary(lines(audit_dir)) == [("INTENT", 1)]
    await Opened(folder).log.aclose()  # the lock was given back
    assert summary(lines(audit_dir)) == [("INTENT", 1), ("OUTCOME", 1)]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        ("lock", "another process writes the audit log"),
        ("segment", "is damaged at byte 0: the header has another magic number"),
        ("checkpoint", "checkpoint: this is not a signed note"),
        ("key", "is not an Ed25519 private key"),
        ("folder", "cannot be opened: "),
    ],
)
async def test_what_is_wrong_is_told_in_one_kind_of_error(tmp_path: Path, spoil: str, problem: str) -> None:
    it = Opened(tmp_path).start()
    await it.log.append(event())
    if spoil != "lock":
        await it.log.aclose()
    segment = it.layout.segment(0)
    if spoil == "segment":
        segment.write_bytes(b"x" + segment.read_bytes()[1:])
    elif spoil == "checkpoint":
        it.layout.checkpoint.write_bytes(it.layout.checkpoint.read_bytes()[:-1])
    elif spoil == "key":
        (tmp_path / "audit.key").write_bytes(b"none")
    elif spoil == "folder":
        it.layout.slot_dir.rename(tmp_path / "elsewhere")
        it.layout.slot_dir.write_bytes(b"a file")
    with pytest.raises(AuditLogError, match=problem):
        Opened(tmp_path)
    await it.log.aclose()


async def test_files_are_for_their_owner_and_only_what_is_proven_lies_in_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o755)
    it = Opened(tmp_path / "old" / "new").start()
    Salts(it.audit_dir, it.clock).current()
    await it.log.append(event())
    await it.log.aclose()
    modes = {
        str(path.relative_to(tmp_path / "old")): stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "old").rglob("*")
        if not path.name.startswith(".")
    }
    folders = (
        "",
        "/0",
        "/0/ledger",
        "/0/ledger/records",
        "/0/ledger/tile",
        "/0/ledger/tile/0",
        "/0/ledger/tile/0/000.p",
    )
    files = ("/0/lock", "/0/reserve", "/0/ledger/identity", "/0/ledger/checkpoint", "/0/ledger/tile/0/000.p/1")
    assert modes == {
        "new": 0o700,
        **{f"new/audit{name}": 0o700 for name in (*folders, "/salts")},
        **{f"new/audit{name}": 0o600 for name in files},
        "new/audit/0/ledger/records/00000000000000000000.seg": 0o600,
        "new/audit/salts/2026-11-21.salt": 0o600,
        "new/audit.key": 0o600,
        "new/audit.pub": 0o644,
    }


async def test_records_can_be_appended_before_the_start(tmp_path: Path) -> None:
    it = Opened(tmp_path)
    it.log.write([intent(1), outcome(1)])
    assert [entry.sequence for entry in entries(it.layout.ledger_dir)] == [0, 1]
    it.start()
    await it.log.append(event())
    await it.log.aclose()
    assert it.log.unsigned == 0


@pytest.mark.parametrize("kind", ["EVENT", "REFUSAL_SUMMARY"])
async def test_kinds_without_a_decision_leave_nothing_open(tmp_path: Path, kind: Kind) -> None:
    it = Opened(tmp_path / "live").start()
    await it.log.append(record(kind))
    folder = it.crashed(tmp_path / "crashed")
    await it.log.aclose()
    await Opened(folder).log.aclose()
    assert len(lines(folder / "audit")) == 1
