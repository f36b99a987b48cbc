"""What to make of a place in a segment where no good frame begins, and where to go on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from sidecar.evidence.findings import Code, utc
from sidecar.evidence.verify.frames import first_non_zero, next_whole, whole_at
from sidecar.evidence.verify.heads import claimed_log, claimed_time
from sidecar.ledger.frames import FRAME_LIMIT_BYTES, HEAD_BYTES, is_followed_up
from sidecar.ledger.merkle import leaf_hash
from sidecar.ledger.reading import record_mark

if TYPE_CHECKING:
    from typing import BinaryIO

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.frames import Whole
    from sidecar.evidence.verify.leaves import Leaves


class Judged(NamedTuple):
    """Where to go on: at which byte (None: at the end) and with which sequence."""

    offset: int | None
    due: int
    is_torn: bool = False


class Examiner:
    """Says what is wrong with one log's segments."""

    def __init__(self, log_id: str, signed_size: int, leaves: Leaves, findings: Findings) -> None:
        self._log_id = log_id
        self._mark = record_mark(log_id)
        self._signed_size = signed_size
        self._leaves = leaves
        self._findings = findings
        self._since_unix_ns = 0

    def examine(
        self, file: BinaryIO, name: str, offset: int, due: int, until: int | None, *, since_unix_ns: int
    ) -> Judged:
        """Judges the bytes from `offset` on, where record `due` does not begin as it should.

        `until`: the first record of the next segment, None in the newest; `since_unix_ns`: the time of the last
        good record.
        """
        self._since_unix_ns = since_unix_ns
        dirty = first_non_zero(file, offset)
        if dirty is None:
            if until is not None:
                self._findings.add(Code.SEGMENT_UNCLOSED, "zeros follow its last record", name, offset)
            return Judged(None, due)
        # Read before the frame is looked at once more: a frame that is bad even then has no later commit behind it,
        # though a sidecar may be writing.
        behind = self._behind(file, offset) if until is None and due >= self._signed_size else None
        here = whole_at(file, offset)
        if here is not None:
            return Judged(offset, due) if here.sequence == due else self._misplaced(here, name, due)
        if behind is not None and not is_followed_up(behind, self._mark, due):
            what = f"the bytes from {dirty} on are no whole record"
            self._findings.add(Code.TORN_TAIL, what, name, offset, sequence=due)
            return Judged(None, due, is_torn=True)
        return self._damaged(file, name, dirty, Judged(offset, due), max(due, until or self._signed_size))

    def _misplaced(self, here: Whole, name: str, due: int) -> Judged:
        """A good frame, but not the one that is due."""
        log, time_ns = claimed_log(here.record), claimed_time(here.record)
        if log not in (None, self._log_id):
            what = f"record {here.sequence} of the log {log} stands here"
            self._findings.add(Code.RECORD_FOREIGN, what, name, here.offset, sequence=due, time_unix_ns=time_ns)
            return Judged(here.end, due)
        if here.sequence < due:
            what = f"record {here.sequence} stands here, where record {due} is due"
            self._findings.add(
                Code.RECORD_REPEATED, what, name, here.offset, sequence=here.sequence, time_unix_ns=time_ns
            )
            return Judged(here.end, due)
        self._missing(name, here.offset, due, here.sequence, "another record follows at once")
        return Judged(here.offset, here.sequence)

    def _behind(self, file: BinaryIO, offset: int) -> bytes:
        file.seek(offset)
        return file.read()

    def _damaged(self, file: BinaryIO, name: str, dirty: int, at: Judged, until: int) -> Judged:
        """No good frame begins at `at`: up to the next one, or else up to record `until`, all is lost."""
        offset, due = at.offset or 0, at.due
        follower = next_whole(file, offset + 1)
        end = follower.offset if follower else os.fstat(file.fileno()).st_size
        begins_at = follower.sequence if follower else until
        where = f"bytes {offset} to {end - 1}"
        if begins_at <= due:
            code = Code.BYTES_INSERTED if follower else Code.TAIL_NOT_ZERO
            self._findings.add(code, f"{where} are no record", name, dirty, sequence=due if follower else None)
            return Judged(follower.offset if follower else None, due)
        record = os.pread(file.fileno(), min(end - offset, FRAME_LIMIT_BYTES), offset)[HEAD_BYTES:]
        what = f"records {due} to {begins_at - 1} are damaged or gone: {where}"
        if begins_at == due + 1:
            is_signed = leaf_hash(record) == self._leaves.signed(due)
            what = f"its frame is damaged, and the record in it is the signed one: {where}"
            what = what if is_signed else f"record {due} is damaged: {where}"
        time_unix_ns = claimed_time(record)
        if time_unix_ns is None and self._since_unix_ns:
            what += f", after a record of {utc(self._since_unix_ns)}"
        self._findings.add(Code.RECORDS_DAMAGED, what, name, offset, sequence=due, time_unix_ns=time_unix_ns)
        return Judged(follower.offset if follower else None, begins_at)

    def _missing(self, name: str, offset: int, due: int, found: int, why: str) -> None:
        which = f"record {due} is" if found == due + 1 else f"records {due} to {found - 1} are"
        self._findings.add(Code.RECORDS_MISSING, f"{which} not here: {why}", name, offset, sequence=due)
