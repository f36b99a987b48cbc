"""The Python API: the audit trail in a folder, as notebooks and the command line use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.evidence.coverage import Coverage, cover
from sidecar.evidence.export import export_tlog
from sidecar.evidence.folders import LogFolder, NoLog, find_logs
from sidecar.evidence.prove import NotProven, make_proof
from sidecar.evidence.story import tell
from sidecar.evidence.verify.run import verify_log
from sidecar.evidence.witness import make_request
from sidecar.ledger.keys import read_public
from sidecar.ledger.reading import entries, find

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sidecar.evidence.report import Report
    from sidecar.ledger.note import VerifierKey


class KeysMissing(Exception):
    """No file with the logs' public keys. The message says where it was looked for."""


class UnknownDecision(LookupError):
    """No record has that decision id."""


class AuditLog:
    """All logs in one folder: an audit folder with its slots, one slot, one ledger, or one log of an archive.

    Iterating gives every record as a dict, log after log, each in its own order; a damaged one raises
    `sidecar.ledger.segments.Damaged`. All calls read from disk, and may be made while a sidecar writes.
    """

    def __init__(self, folders: Sequence[LogFolder], public_key: Path | None) -> None:
        self.folders = folders
        self._public_key = public_key

    @classmethod
    def open(cls, folder: str | Path, *, public_key: str | Path | None = None) -> AuditLog:
        """`public_key`: the file of vkeys to trust; by default that beside the audit folder. Raises NoLog."""
        return cls(find_logs(Path(folder)), Path(public_key) if public_key is not None else None)

    @property
    def key_file(self) -> Path:
        """Whose keys are trusted."""
        return self._public_key or self.folders[0].default_keys

    @property
    def keys(self) -> list[VerifierKey]:
        """The keys in it. Raises KeysMissing, and ValueError where it is no such file."""
        try:
            return read_public(self.key_file)
        except FileNotFoundError as error:
            raise KeysMissing(f"{self.key_file} is not there: name the file of the log's public keys") from error

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (orjson.loads(record) for record in self.records())

    def records(self) -> Iterator[bytes]:
        """Every record's exact bytes."""
        for folder in self.folders:
            yield from (entry.record for entry in entries(folder.path))

    def verify(
        self, *, against: bytes | None = None, tick: Callable[[int, int], None] = lambda _done, _total: None
    ) -> list[Report]:
        """A report on each log: see `verify.run`."""
        keys = self.keys
        return [verify_log(folder, keys, against=against, tick=tick) for folder in self.folders]

    def find(self, decision_id: str) -> list[dict[str, Any]]:
        """The records of one decision in order. Raises UnknownDecision."""
        return [orjson.loads(one.record) for one in self.coverage(decision_id)]

    def show(self, decision_id: str) -> str:
        """The story of one decision as text. Raises UnknownDecision."""
        coverage = self.coverage(decision_id)
        return tell([orjson.loads(one.record) for one in coverage], coverage)

    def prove(self, decision_id: str) -> dict[str, Any]:
        """A proof that stands alone: see `prove`. Raises UnknownDecision, NotProven."""
        keys = self.keys
        return make_proof(decision_id, self.coverage(decision_id), keys)

    def witness(self, older_note: bytes) -> bytes:
        """A C2SP tlog-witness request on the one log in the folder: see `witness`. Raises NoLog, NotProven."""
        return make_request(self._sole(), older_note, self.keys)

    def export_tlog(self, target: str | Path, tick: Callable[[int, int], None] = lambda _done, _total: None) -> int:
        """Writes the one log in the folder as a tlog-tiles site: see `export`. How many records."""
        return export_tlog(self._sole(), Path(target), tick)

    def coverage(self, decision_id: str) -> list[Coverage]:
        """The records of one decision, and whether each is under a signed checkpoint. Raises UnknownDecision."""
        try:
            keys = self.keys
        except KeysMissing:
            keys = []  # the story can be told all the same; it says that nothing proves it
        for folder in self.folders:
            found = find(folder.path, decision_id)
            if found:
                heads = [orjson.loads(entry.record) for entry in found]
                records = [(head["kind"], entry) for head, entry in zip(heads, found, strict=True)]
                return cover(folder, keys, heads[0]["log"], records)
        raise UnknownDecision(f"no record of {decision_id} in {', '.join(str(folder.path) for folder in self.folders)}")

    def _sole(self) -> LogFolder:
        if len(self.folders) != 1:
            raise NoLog(f"there are {len(self.folders)} logs here: name the folder of one slot")
        return self.folders[0]


__all__ = ["AuditLog", "KeysMissing", "NoLog", "NotProven", "UnknownDecision"]
