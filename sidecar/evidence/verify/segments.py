"""The segments of one log in their order: names, headers, and that each continues the one before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.evidence.verify.differences import first_difference
from sidecar.ledger.segments import FOLDER, HEADER_BYTES, Header, first_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.leaves import Leaves
    from sidecar.evidence.verify.records import RecordPass

_LOG_ID_AT, _FIRST_AT, _KEEP_FROM_AT, _ROOT_AT = 8, 24, 32, 40


class SegmentPass:
    """Reads headers, and lets a `RecordPass` read what is behind them."""

    def __init__(self, log_id: str | None, records: RecordPass, leaves: Leaves, findings: Findings) -> None:
        self._log_id = log_id
        self._records = records
        self._leaves = leaves
        self._findings = findings

    def run(self, segments: Sequence[Path]) -> None:
        """All segments, oldest first."""
        followers = [*map(first_of, segments[1:]), None]
        for path, follower in zip(segments, followers, strict=False):
            with path.open("rb") as file:
                if self._is_wanted(path, file):
                    self._records.read(path, file, follower)

    def _is_wanted(self, path: Path, file: BinaryIO) -> bool:
        """Whether the segment is of this log and goes on where it should, so that its records are to be read."""
        name, first = f"{FOLDER}/{path.name}", first_of(path)
        data = file.read(HEADER_BYTES)
        try:
            header = Header.unpack(data)
        except ValueError as error:
            self._unreadable(name, data, first, str(error))
            return self._continues(name, first)
        if self._log_id not in (None, header.log_id):
            self._findings.add(Code.SEGMENT_FOREIGN, f"it is of the log {header.log_id}", name, _LOG_ID_AT)
            return False
        if header.first != first:
            what = f"its name says that it begins with record {first}, its header with {header.first}"
            self._findings.add(Code.SEGMENT_MISPLACED, what, name, _FIRST_AT)
        if not self._continues(name, header.first):
            return False
        self._check_root(name, header)
        self._check_keep_from(name, header)
        return True

    def _continues(self, name: str, first: int) -> bool:
        due = self._records.state.due
        if first < due:
            what = f"it begins with record {first}, and earlier segments hold all up to {due - 1}"
            self._findings.add(Code.SEGMENT_MISPLACED, what, name, _FIRST_AT, sequence=first)
            return False
        if first > due:
            which = f"record {due} is" if first == due + 1 else f"the records {due} to {first - 1} are"
            what = f"{which} not here: the segment before ends too early"
            self._findings.add(Code.RECORDS_MISSING, what, name, sequence=due)
            self._records.skip_to(first)
        return True

    def _check_root(self, name: str, header: Header) -> None:
        root = self._leaves.root_at(header.first)
        if root is not None and root != header.root:
            what = f"its header has another root than the {header.first} records before it: it is of another state"
            self._findings.add(Code.TREE_DIFFERS, what, name, _ROOT_AT, sequence=header.first)

    def _check_keep_from(self, name: str, header: Header) -> None:
        """A start reads from `keep_from` on: the oldest exchange that was open then."""
        lowest = self._records.state.lowest_open
        may_be_lower = self._records.is_cut and header.keep_from < lowest  # its INTENT is among what is gone
        if header.keep_from != lowest and not may_be_lower:
            what = f"its header has {header.keep_from} for the oldest open exchange, whose INTENT is record {lowest}"
            self._findings.add(Code.SEGMENT_HEADER, what, name, _KEEP_FROM_AT, sequence=lowest)

    def _unreadable(self, name: str, data: bytes, first: int, why: str) -> None:
        """Says where a header differs from the one that must have been there."""
        root, at = self._leaves.root_at(first), 0
        if root is not None and self._log_id is not None:
            keep_from = min(self._records.state.lowest_open, first)
            right = Header(self._log_id, first, keep_from, root).pack()
            at = first_difference(data, right)
        self._findings.add(Code.SEGMENT_HEADER, f"{why}: first at byte {at}", name, at)


def log_id_in(segments: Sequence[Path]) -> str | None:
    """The log that the first readable header names."""
    for path in segments:
        with path.open("rb") as file:
            try:
                return Header.unpack(file.read(HEADER_BYTES)).log_id
            except ValueError:
                continue
    return None
