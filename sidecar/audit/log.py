"""The audit log as one append-only file a worker slot: `DIR/<slot>/ledger/records.jsonl`.

One write a record, in order, by one process (`DIR/<slot>/lock`). A record has reached the operating system
before `append` returns: it survives the process, not yet the machine. After a failed or short write nothing
is retried and the log is broken for good.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit.lookup import RECORDS_FILE, RecentIndex
from sidecar.audit.port import RECORD_LIMIT_BYTES, Kind, Record
from sidecar.audit.records import unknown_outcome
from sidecar.model.refusal import Refused, refused

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.clock import Clock

VERSION = 1


class AuditLogError(Exception):
    """The log cannot be opened: another process has it, or it is damaged. The message says what to do."""


@dataclass(slots=True)
class _Scan:
    """What one pass over an existing file learns."""

    log_id: str | None = None
    next_sequence: int = 0
    end: int = 0
    open_intents: dict[str, dict[str, Any]] = field(default_factory=dict[str, "dict[str, Any]"])


class FileLog:
    """The first implementation of the `AuditLog` port. Made by `open_log`."""

    def __init__(self, lock_fd: int, fd: int, scan: _Scan, index: RecentIndex, clock: Clock) -> None:
        self._lock_fd = lock_fd
        self._fd = fd
        self._index = index
        self._clock = clock
        self._sequence = scan.next_sequence
        self._end = scan.end
        self._broken: str | None = None
        self._closed = False
        self.log_id = scan.log_id or secrets.token_hex(16)
        head = f'{{"v":{VERSION},"log":"{self.log_id}","kind":'
        self._heads = {kind: f'{head}"{kind.value}","sequence":'.encode() for kind in Kind}

    @property
    def broken(self) -> str | None:
        """Why nothing can be appended any more, or None."""
        return self._broken

    async def append(self, record: Record) -> bytes:
        """See the port."""
        return self.append_now(record)

    def append_now(self, record: Record) -> bytes:
        """`append` for those who are not on the event loop yet."""
        if self._broken is not None:
            raise refused("audit_unavailable", "the audit log is broken")
        line = b'%s%d,"time_unix_ns":%d,%s\n' % (
            self._heads[record.kind],
            self._sequence,
            self._clock.unix_ns(),
            record.body[1:],
        )
        self._write(line)
        if record.decision_id is not None:
            self._index.add(record.decision_id, self._end)
        self._sequence += 1
        self._end += len(line)
        return line[:-1]

    def find(self, decision_id: str) -> list[bytes]:
        """See the port."""
        return [] if self._closed else [self._read(offset) for offset in self._index.offsets(decision_id)]

    async def aclose(self) -> None:
        """See the port. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        self._broken = self._broken or "closed"
        os.close(self._fd)
        os.close(self._lock_fd)

    def _write(self, line: bytes) -> None:
        try:
            written = os.write(self._fd, line)
        except OSError as error:
            self._broken = f"a write failed: {error.strerror}"
            raise refused("audit_unavailable", "the audit record cannot be written") from error
        if written != len(line):
            self._broken = f"a write of {len(line)} bytes wrote only {written}"
            raise refused("audit_unavailable", "the audit record cannot be written")

    def _read(self, offset: int) -> bytes:
        return os.pread(self._fd, RECORD_LIMIT_BYTES + 1, offset).partition(b"\n")[0]


def open_log(slot_dir: Path, clock: Clock) -> FileLog:
    """Opens or makes the log of one worker slot; raises `AuditLogError`.

    A torn last line is cut off. Every INTENT without an OUTCOME gets one with the result `unknown`.
    """
    path = slot_dir / RECORDS_FILE
    try:
        _make_private(path.parent)
        lock_fd = _lock(slot_dir / "lock")
    except OSError as error:
        raise AuditLogError(f"the audit log in {slot_dir} cannot be opened: {error.strerror}") from error
    try:
        return _open_locked(path, lock_fd, clock)
    except BaseException:
        os.close(lock_fd)
        raise


def _open_locked(path: Path, lock_fd: int, clock: Clock) -> FileLog:
    try:
        fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise AuditLogError(f"{path} cannot be opened: {error.strerror}") from error
    try:
        index = RecentIndex()
        scan = _scan(path, index)
        os.ftruncate(fd, scan.end)
        log = FileLog(lock_fd, fd, scan, index, clock)
        _close_intents(log, scan, path)
    except OSError as error:
        os.close(fd)
        raise AuditLogError(f"{path} cannot be read or repaired: {error.strerror}") from error
    except BaseException:
        os.close(fd)
        raise
    return log


def _close_intents(log: FileLog, scan: _Scan, path: Path) -> None:
    try:
        for decision_id, opening in scan.open_intents.items():
            log.append_now(unknown_outcome(decision_id, opening["request_id"], opening["trace_id"]))
    except Refused as error:
        raise AuditLogError(
            f"{path} has exchanges without an outcome, and none can be added: {log.broken}; is the volume full?"
        ) from error


def _make_private(directory: Path) -> None:
    """Makes a directory and what is missing above it, each for its owner only.

    `mkdir(parents=True)` gives its mode to the last one alone.
    """
    if not directory.is_dir():
        _make_private(directory.parent)
        directory.mkdir(mode=0o700, exist_ok=True)


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(fd)
        raise AuditLogError(
            f"another process writes the audit log in {path.parent}: stop it, or choose another --audit-dir"
        ) from error
    return fd


def _scan(path: Path, index: RecentIndex) -> _Scan:
    scan = _Scan()
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            try:
                _take(orjson.loads(line), scan, index)
            except (ValueError, LookupError, TypeError) as error:
                raise AuditLogError(
                    f"{path} is damaged at byte {scan.end} (record {scan.next_sequence}): {error}; "
                    "keep it as evidence and start with another --audit-dir"
                ) from error
            scan.end += len(line)
    return scan


def _take(record: dict[str, Any], scan: _Scan, index: RecentIndex) -> None:
    if record["sequence"] != scan.next_sequence:
        raise ValueError(f"its sequence number is {record['sequence']}")
    if record["log"] != (scan.log_id or record["log"]):
        raise ValueError(f"it belongs to the log {record['log']}")
    scan.log_id = record["log"]
    scan.next_sequence += 1
    decision_id = record.get("decision_id")
    if decision_id is None:
        return
    index.add(decision_id, scan.end)
    if record["kind"] == Kind.INTENT:
        scan.open_intents[decision_id] = {name: record[name] for name in ("request_id", "trace_id")}
    elif record["kind"] == Kind.OUTCOME:
        scan.open_intents.pop(decision_id, None)
