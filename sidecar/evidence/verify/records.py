"""The pass over all records: each frame's bytes, each record's head, each record's hash.

`_take` does it for records that are as they should be, some 200,000 times a second: so it does not parse JSON. A
record's beginning is fixed (contract 7) and read by one expression. All else is left to `damage`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO

from crc32c import crc32c

from sidecar.evidence.findings import Code, utc
from sidecar.evidence.verify.damage import Examiner
from sidecar.evidence.verify.heads import claimed_log, claimed_time, exchange_heads, other_heads
from sidecar.ledger.frames import CRC_BYTES, FRAME_LIMIT_BYTES, HEAD, HEAD_BYTES
from sidecar.ledger.merkle import TILE_WIDTH
from sidecar.ledger.segments import FOLDER, HEADER_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.leaves import Leaves

_COVERED_BYTES = HEAD_BYTES - CRC_BYTES
_CHUNK_BYTES = 1 << 17
_LEAF = b"\x00"  # RFC 6962, 2.1: what is hashed of a leaf begins with it


@dataclass(slots=True)
class Progress:
    """What is known after the records so far. `due`: the sequence of the next."""

    due: int
    records: int = 0
    batch_first: int | None = None
    last_unix_ns: int = 0
    open_intents: dict[bytes, int] = field(default_factory=dict[bytes, int])

    @property
    def lowest_open(self) -> int:
        """The oldest INTENT without an OUTCOME, else the next record."""
        return min(self.open_intents.values(), default=self.due)


class RecordPass:
    """Goes over the frames of one log's segments, in order."""

    def __init__(
        self,
        log_id: str,
        signed_size: int,
        first: int,
        *,
        leaves: Leaves,
        findings: Findings,
        tick: Callable[[int], None],
    ) -> None:
        """`first`: the oldest record that is here; `tick` takes bytes read."""
        self.state = Progress(first)
        self._open = self.state.open_intents
        self.is_torn = False
        self._leaves = leaves
        self._findings = findings
        self._tick = tick
        self.is_cut = first > 0  # INTENTs of OUTCOMEs that are here may be gone
        self._examiner = Examiner(log_id, signed_size, leaves, findings)
        self._of_exchanges = exchange_heads(log_id)
        self._of_others = other_heads(log_id)
        self._log_id = log_id
        self._run: list[bytes] = []
        self._file = ""
        self._base = 0

    def read(self, path: Path, file: BinaryIO, until: int | None) -> None:
        """One segment's frames, behind its header. `until`: the first record of the next one, None in the newest."""
        self._file = f"{FOLDER}/{path.name}"
        offset: int | None = HEADER_BYTES
        while offset is not None:
            offset = self._read_on(file, offset)
            self._flush()
            if offset is not None:
                judged = self._examiner.examine(
                    file, self._file, offset, self.state.due, until, since_unix_ns=self.state.last_unix_ns
                )
                self.is_torn = judged.is_torn
                self.skip_to(judged.due)
                offset = judged.offset

    def skip_to(self, sequence: int) -> None:
        """Goes on behind records that are not there."""
        self._flush()
        if sequence != self.state.due:
            self.state.due = sequence
            self.state.batch_first = None
            self.state.open_intents.clear()  # the OUTCOMEs of these may be gone
            self.is_cut = True

    def _read_on(self, file: BinaryIO, offset: int) -> int | None:
        """Takes good frames; where the first begins that is not good, or None at the end of the file."""
        file.seek(offset)
        data = b""
        while True:
            more = file.read(_CHUNK_BYTES)
            data, self._base = data + more, offset
            taken = self._take(data)
            offset += taken
            self._tick(taken)
            data = data[taken:]
            if not more or len(data) > FRAME_LIMIT_BYTES:
                return offset if data else None

    def _take(self, data: bytes) -> int:
        """The hot loop: good frames at the beginning of `data`; how many bytes they have.

        The byte before a record is the highest of `batch_first`, and so 0: the one that a leaf's hash begins with.
        """
        state, run, read_head, unpack = self.state, self._run, self._read_head, HEAD.unpack_from
        at, limit, due = 0, len(data), state.due
        state.records -= due
        while limit - at >= HEAD_BYTES:
            crc, length, sequence, batch_first = unpack(data, at)
            end = at + HEAD_BYTES + length
            covered = data[at + CRC_BYTES : end]
            if end > limit or sequence != due or not length or crc32c(covered) != crc:
                break
            read_head(covered, sequence, at)
            if batch_first != state.batch_first:
                self._read_batch(batch_first, sequence, at)
            run.append(sha256(covered[_COVERED_BYTES - len(_LEAF) :]).digest())
            due += 1
            at = end
            if due % TILE_WIDTH == 0:
                state.due = due
                self._flush()
        state.due = due
        state.records += due
        return at

    def _read_head(self, covered: bytes, sequence: int, at: int) -> None:
        """What the first bytes of a record tell: its place, its time, and whose exchange it opens or closes."""
        head = self._of_exchanges.match(covered, _COVERED_BYTES)
        if head is None:
            time_ns = self._other(covered[_COVERED_BYTES:], sequence, at)
        else:
            _, kind, said, time, decision_id = head.groups()
            time_ns = int(time)
            if int(said) != sequence:
                self._say(Code.RECORD_HEAD, f"it calls itself record {int(said)}", at, sequence, time_ns)
            if kind == b"INTENT":
                if (first := self._open.setdefault(decision_id, sequence)) != sequence:
                    what = f"a second INTENT of {decision_id.decode()}, whose first is record {first}"
                    self._say(Code.INTENT_TWICE, what, at, sequence, time_ns)
            elif kind == b"OUTCOME" and self._open.pop(decision_id, None) is None and not self.is_cut:
                # After a cut its INTENT may be among what is gone.
                what = f"an OUTCOME of {decision_id.decode()}, which has no INTENT that is still open"
                self._say(Code.OUTCOME_ALONE, what, at, sequence, time_ns)
        state = self.state
        if time_ns < state.last_unix_ns:
            self._say(Code.CLOCK_BACK, f"the record before is of {utc(state.last_unix_ns)}", at, sequence, time_ns)
        state.last_unix_ns = time_ns

    def _read_batch(self, batch_first: int, sequence: int, at: int) -> None:
        """A commit begins with the frame that names itself; the first frame that is here may be within one."""
        known = self.state.batch_first
        if batch_first != sequence and (known is not None or batch_first > sequence):
            self._say(Code.RECORD_BATCH, f"its frame says that its commit began with {batch_first}", at, sequence)
        self.state.batch_first = batch_first

    def _flush(self) -> None:
        if self._run:
            self._leaves.check(self.state.due - len(self._run), self._run, self._file)
            self._run.clear()

    def _other(self, record: bytes, sequence: int, at: int) -> int:
        """The time of a record without a decision, or of one whose head is not as it should be."""
        head = self._of_others.match(record)
        time_ns = claimed_time(record)
        if (log := claimed_log(record)) not in (None, self._log_id):
            self._say(Code.RECORD_FOREIGN, f"it says that it belongs to the log {log}", at, sequence, time_ns)
        elif head is None:
            self._say(Code.RECORD_HEAD, f"it begins {record[:80]!r}", at, sequence, time_ns)
        elif int(head["sequence"]) != sequence:
            self._say(Code.RECORD_HEAD, f"it calls itself record {int(head['sequence'])}", at, sequence, time_ns)
        return self.state.last_unix_ns if time_ns is None else time_ns

    def _say(self, code: Code, what: str, at: int, sequence: int, time_ns: int | None = None) -> None:
        self._findings.add(code, what, self._file, self._base + at, sequence=sequence, time_unix_ns=time_ns)
