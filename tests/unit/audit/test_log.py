from __future__ import annotations

import asyncio
import errno
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.audit.log import AuditLogError, FileLog, open_log
from sidecar.audit.port import Kind, Record
from sidecar.audit.salts import Salts
from sidecar.model.refusal import Refused
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

NOW_NS = 1_795_300_000_000_000_000


def record(kind: Kind, decision_id: str | None = None) -> Record:
    ids = f'"decision_id":"{decision_id}","request_id":"r","trace_id":"t",' if decision_id else ""
    return Record(kind, f'{{{ids}"n":1}}'.encode(), decision_id)


INTENT, OUTCOME = record(Kind.INTENT, "a"), record(Kind.OUTCOME, "a")


def open_at(tmp_path: Path) -> FileLog:
    return open_log(tmp_path / "0", FixedClock())


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in records_file(tmp_path).read_bytes().splitlines()]


def records_file(tmp_path: Path) -> Path:
    return tmp_path / "0" / "ledger" / "records.jsonl"


async def test_what_append_returns_is_what_the_file_holds(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    leaves = [await log.append(each) for each in (INTENT, record(Kind.EVENT), OUTCOME)]
    assert records_file(tmp_path).read_bytes() == b"".join(leaf + b"\n" for leaf in leaves)
    assert leaves[0] == (
        b'{"v":1,"log":"%s","kind":"INTENT","sequence":0,"time_unix_ns":%d,"decision_id":"a",'
        b'"request_id":"r","trace_id":"t","n":1}' % (log.log_id.encode(), NOW_NS)
    )
    assert [orjson.loads(leaf)["sequence"] for leaf in leaves] == [0, 1, 2]
    assert log.find("a") == [leaves[0], leaves[2]]
    assert log.find("b") == []
    await log.aclose()


def test_files_are_for_their_owner_and_the_lock_lies_outside_the_ledger(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    found = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert found == {"0/lock": 0o600, "0/ledger/records.jsonl": 0o600}
    asyncio.run(log.aclose())


async def test_a_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    first = open_at(tmp_path)
    await first.append(INTENT)
    await first.append(OUTCOME)
    await first.aclose()
    second = open_at(tmp_path)
    await second.append(record(Kind.EVENT))
    assert [(line["log"], line["sequence"]) for line in lines(tmp_path)] == [(first.log_id, n) for n in range(3)]
    assert [orjson.loads(leaf)["kind"] for leaf in second.find("a")] == ["INTENT", "OUTCOME"]
    await second.aclose()


async def test_an_open_intent_is_closed_by_an_unknown_outcome(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    for each in (INTENT, record(Kind.INTENT, "b"), record(Kind.REFUSAL, "c"), OUTCOME):
        await log.append(each)
    await log.aclose()
    log = open_at(tmp_path)
    last = lines(tmp_path)[4:]
    assert [(line["kind"], line["decision_id"], line["request_id"], line["result"]) for line in last] == [
        ("OUTCOME", "b", "r", "unknown")
    ]
    assert [orjson.loads(leaf)["kind"] for leaf in log.find("b")] == ["INTENT", "OUTCOME"]
    await log.aclose()
    await open_at(tmp_path).aclose()
    assert len(lines(tmp_path)) == 5


async def test_an_open_intent_that_cannot_be_closed_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = open_at(tmp_path)
    await log.append(INTENT)
    await log.aclose()
    before = records_file(tmp_path).read_bytes()

    def write(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(AuditLogError) as caught:
            open_at(tmp_path)
    assert str(caught.value) == (
        f"{records_file(tmp_path)} has exchanges without an outcome, and none can be added: "
        "a write failed: No space left on device; is the volume full?"
    )
    assert records_file(tmp_path).read_bytes() == before
    await open_at(tmp_path).aclose()  # the lock was given back
    assert [line.get("result") for line in lines(tmp_path)] == [None, "unknown"]


async def test_a_torn_last_line_is_cut_wherever_it_was_torn(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    await log.append(record(Kind.EVENT))
    await log.append(INTENT)
    await log.append(OUTCOME)
    await log.aclose()
    whole = records_file(tmp_path).read_bytes()
    kept = whole[: whole.rindex(b"\n", 0, -1) + 1]
    for torn in (len(kept) + 1, len(whole) - 20, len(whole) - 1):
        records_file(tmp_path).write_bytes(whole[:torn])
        await open_at(tmp_path).aclose()
        assert records_file(tmp_path).read_bytes().startswith(kept)
        assert [line.get("result") for line in lines(tmp_path)] == [None, None, "unknown"]


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda each: [each[0], each[2]], r"byte \d+ \(record 1\): its sequence number is 2"),
        (lambda each: [each[0], each[1], each[1], each[2]], r"\(record 2\): its sequence number is 1"),
        (lambda each: [each[0], b"{}\n", each[2]], r"\(record 1\)"),
        (lambda each: [each[0], b"[]\n", each[2]], r"\(record 1\)"),
        (lambda each: [each[0], each[1][:-9] + b"\n", each[2]], r"\(record 1\)"),
        (lambda each: [each[0], each[1].replace(b'"log":"', b'"log":"x')], "belongs to the log x"),
    ],
)
async def test_a_damaged_log_is_refused_and_left_alone(tmp_path: Path, spoil: Any, problem: str) -> None:
    log = open_at(tmp_path)
    for _ in range(3):
        await log.append(record(Kind.EVENT))
    await log.aclose()
    path = records_file(tmp_path)
    path.write_bytes(spoiled := b"".join(spoil(path.read_bytes().splitlines(keepends=True))))
    with pytest.raises(AuditLogError, match=problem):
        open_at(tmp_path)
    assert path.read_bytes() == spoiled
    path.unlink()
    await open_at(tmp_path).aclose()  # the lock was given back


async def test_a_log_that_cannot_be_repaired_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def truncate(fd: int, length: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", truncate)
        with pytest.raises(AuditLogError, match=r"records.jsonl cannot be read or repaired: Input/output error$"):
            open_at(tmp_path)
    await open_at(tmp_path).aclose()  # the lock was given back


def test_folders_above_that_are_missing_are_for_their_owner_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir(mode=0o755)
    audit_dir = tmp_path / "old" / "new" / "audit"
    asyncio.run(open_log(audit_dir / "0", FixedClock()).aclose())
    Salts(audit_dir / "salts", FixedClock()).current()
    found = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if path.is_dir()
    }
    made = ("old/new", "old/new/audit", "old/new/audit/0", "old/new/audit/0/ledger", "old/new/audit/salts")
    assert found == {"old": 0o755, **dict.fromkeys(made, 0o700)}


def test_a_second_process_is_refused(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    code = (
        "import sys, pathlib\n"
        "from sidecar.audit.log import open_log, AuditLogError\n"
        "from sidecar.model.clock import SystemClock\n"
        "try: open_log(pathlib.Path(sys.argv[1]), SystemClock())\n"
        "except AuditLogError as error: print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(tmp_path / "0")], capture_output=True, check=True, text=True)
    assert ran.stdout.startswith("another process writes the audit log in ")
    asyncio.run(log.aclose())
    asyncio.run(open_at(tmp_path).aclose())


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "0").write_bytes(b"a file")
    with pytest.raises(AuditLogError, match="cannot be opened"):
        open_at(tmp_path)


@pytest.mark.parametrize("failure", ["error", "short"])
async def test_after_a_failed_or_short_write_the_log_is_broken_for_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    log = open_at(tmp_path)
    await log.append(record(Kind.EVENT))
    real_write = os.write

    def write(fd: int, data: bytes) -> int:
        if failure == "error":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(fd, data[:7])

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(Refused, match="audit_unavailable"):
            await log.append(INTENT)
    assert log.broken is not None
    size = records_file(tmp_path).stat().st_size
    with pytest.raises(Refused, match="audit_unavailable"):
        await log.append(INTENT)
    assert records_file(tmp_path).stat().st_size == size
    assert log.find("a") == []
    await log.aclose()
    await open_at(tmp_path).aclose()
    assert [line["kind"] for line in lines(tmp_path)] == ["EVENT"]


async def test_a_full_disk_refuses(tmp_path: Path) -> None:
    """The kernel's own ENOSPC, by way of /dev/full."""
    (tmp_path / "0" / "ledger").mkdir(parents=True)
    log = open_at(tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._fd)
    os.close(full)
    with pytest.raises(Refused, match="audit_unavailable"):
        await log.append(INTENT)
    assert log.broken == "a write failed: No space left on device"
    await log.aclose()


async def test_a_closed_log_takes_and_gives_nothing(tmp_path: Path) -> None:
    log = open_at(tmp_path)
    await log.append(INTENT)
    await log.aclose()
    await log.aclose()
    assert log.find("a") == []
    with pytest.raises(Refused, match="audit_unavailable"):
        await log.append(INTENT)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    exchanges=st.lists(st.sampled_from(["REFUSAL", "INTENT", "both", "EVENT"]), max_size=8),
    cut=st.integers(0, 2_000),
)
async def test_wherever_a_crash_cuts_the_file_the_next_start_makes_it_whole(
    tmp_path_factory: pytest.TempPathFactory, exchanges: list[str], cut: int
) -> None:
    tmp_path = tmp_path_factory.mktemp("log")
    log = open_at(tmp_path)
    for number, kind in enumerate(exchanges):
        kinds = ("INTENT", "OUTCOME") if kind == "both" else (kind,)
        for each in kinds:
            await log.append(record(Kind(each), None if each == "EVENT" else f"id-{number}"))
    await log.aclose()
    before = records_file(tmp_path).read_bytes()
    os.truncate(records_file(tmp_path), kept := min(cut, len(before)))
    await open_at(tmp_path).aclose()
    after = records_file(tmp_path).read_bytes()
    assert after.startswith(before[: before.rfind(b"\n", 0, kept) + 1])
    found = lines(tmp_path)
    assert [line["sequence"] for line in found] == list(range(len(found)))
    intents = [line["decision_id"] for line in found if line["kind"] == "INTENT"]
    outcomes = [line["decision_id"] for line in found if line["kind"] == "OUTCOME"]
    assert sorted(intents) == sorted(outcomes)
