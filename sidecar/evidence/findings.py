"""What can be found in a log: a code, a place, words, and what it means for whoever relies on the log."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sidecar.evidence.printable import printable
from sidecar.ledger.layout import TILES
from sidecar.ledger.merkle import TILE_WIDTH
from sidecar.ledger.tiles import parse_tile_path

SHOWN_LIMIT = 100
"""Findings of one code that a report lists; the rest is counted."""
WHAT_LIMIT_CHARS = 400
"""Of the words of a finding: a note may have a hundred signatures by names as long as you like."""
_RECORDS = "records"


class Code(enum.StrEnum):
    """Findings; those of `NOTICES` do not make a log fail. `docs/audit.md` lists them all."""

    KEY_UNKNOWN = "key_unknown"
    IDENTITY_MISSING = "identity_missing"
    IDENTITY_INVALID = "identity_invalid"
    CHECKPOINT_MISSING = "checkpoint_missing"
    CHECKPOINT_INVALID = "checkpoint_invalid"
    CHECKPOINT_FOREIGN = "checkpoint_foreign"
    TREE_DIFFERS = "tree_differs"
    LOG_ROLLED_BACK = "log_rolled_back"
    HISTORY_REWRITTEN = "history_rewritten"
    HISTORY_UNKNOWN = "history_unknown"
    SEGMENT_HEADER = "segment_header"
    SEGMENT_FOREIGN = "segment_foreign"
    SEGMENT_MISPLACED = "segment_misplaced"
    SEGMENT_UNCLOSED = "segment_unclosed"
    RECORDS_MISSING = "records_missing"
    RECORDS_DAMAGED = "records_damaged"
    RECORD_ALTERED = "record_altered"
    RECORD_REPEATED = "record_repeated"
    RECORD_FOREIGN = "record_foreign"
    RECORD_HEAD = "record_head"
    RECORD_BATCH = "record_batch"
    BYTES_INSERTED = "bytes_inserted"
    TAIL_NOT_ZERO = "tail_not_zero"
    TILE_MISSING = "tile_missing"
    TILE_DAMAGED = "tile_damaged"
    TILE_UNEXPECTED = "tile_unexpected"
    FILE_UNKNOWN = "file_unknown"
    INTENT_TWICE = "intent_twice"
    OUTCOME_ALONE = "outcome_alone"
    CLOCK_BACK = "clock_back"
    TORN_TAIL = "torn_tail"
    NOT_YET_SIGNED = "not_yet_signed"
    OLDEST_DELETED = "oldest_deleted"
    STILL_OPEN = "still_open"
    RECORDS_ELSEWHERE = "records_elsewhere"


NOTICES = frozenset(
    {
        Code.CLOCK_BACK,
        Code.TORN_TAIL,
        Code.NOT_YET_SIGNED,
        Code.OLDEST_DELETED,
        Code.STILL_OPEN,
        Code.RECORDS_ELSEWHERE,
    }
)

IN_ROWS = frozenset({Code.RECORD_ALTERED, Code.TILE_MISSING, Code.TILE_DAMAGED, Code.TILE_UNEXPECTED})
"""Of these, neighbours are one finding: it is one fault, and where it is says all."""

MEANINGS = {
    Code.KEY_UNKNOWN: "Nothing signed can be checked: find the key that this log is known by.",
    Code.IDENTITY_MISSING: "The log does not say which log it is; it may have been put together by hand.",
    Code.IDENTITY_INVALID: "The text is not what the log's key signed.",
    Code.CHECKPOINT_MISSING: "Nothing says what the log's records were: their order and content are unproven.",
    Code.CHECKPOINT_INVALID: "The text is not what the log's key signed: it proves nothing.",
    Code.CHECKPOINT_FOREIGN: "It was signed for another log, and says nothing of this one.",
    Code.TREE_DIFFERS: "Records, tiles and signed root do not belong together: part of the log is of another state.",
    Code.LOG_ROLLED_BACK: "The log was put back to an older state: records that were signed then are gone.",
    Code.HISTORY_REWRITTEN: "What was signed then is not the beginning of this log: its past has been replaced.",
    Code.HISTORY_UNKNOWN: "What must be compared went with deleted records: verify the archive, or give a newer one.",
    Code.SEGMENT_HEADER: "The header is not as it was written; the records behind it are checked on their own.",
    Code.SEGMENT_FOREIGN: "The file was put here from another log.",
    Code.SEGMENT_MISPLACED: "The file repeats or replaces other records, or follows them: it was moved or copied.",
    Code.SEGMENT_UNCLOSED: "A segment ends with its last record; something was added behind it.",
    Code.RECORDS_MISSING: "Records that the log had are gone.",
    Code.RECORDS_DAMAGED: "These bytes are not as they were written.",
    Code.RECORD_ALTERED: "The record is whole in itself, but not the one that was signed: it has been replaced.",
    Code.RECORD_REPEATED: "A record stands where it does not belong: copied, or moved from its place.",
    Code.RECORD_FOREIGN: "The record was written for another log.",
    Code.RECORD_HEAD: "The record does not begin as every record does.",
    Code.RECORD_BATCH: "The frame tells of a commit that cannot have been.",
    Code.BYTES_INSERTED: "Something was put between two records.",
    Code.TAIL_NOT_ZERO: "Behind the last record only zeros may follow; something was added.",
    Code.TILE_MISSING: "Proofs need it. The records say what it was, where they are still here.",
    Code.TILE_DAMAGED: "The hashes are not those that were signed; proofs made from them fail.",
    Code.TILE_UNEXPECTED: "The tile is of no state of this log.",
    Code.FILE_UNKNOWN: "The sidecar did not put it here.",
    Code.INTENT_TWICE: "One exchange has one INTENT. It was recorded so: look for a defect, or for a forged record.",
    Code.OUTCOME_ALONE: "One exchange has one INTENT before its one OUTCOME. It was recorded so: look for a defect.",
    Code.CLOCK_BACK: "The machine's clock was set back, or another machine went on with the log. The order holds.",
    Code.TORN_TAIL: "Written now, or left by a kill: nobody was told of it, and the next start cuts it.",
    Code.NOT_YET_SIGNED: "Their order and content are whole, and proven from the next checkpoint on.",
    Code.OLDEST_DELETED: "Retention, or somebody, deleted older records; the tree over them is here and was checked.",
    Code.STILL_OPEN: "They are in flight, or were when the process was killed: the next start closes them.",
    Code.RECORDS_ELSEWHERE: "The archive gets a segment once it is closed; until then the sidecar has its records.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `file` is relative to the folder of the log, `offset` a byte in it, `time` of a record.

    Of the codes `IN_ROWS`, `count` tiles or records in a row are one finding, up to the place `last`.
    """

    code: Code
    what: str
    file: str | None = None
    offset: int | None = None
    sequence: int | None = None
    time_unix_ns: int | None = None
    count: int = 1
    last: str | None = None

    @property
    def is_notice(self) -> bool:
        """Worth knowing, but the log holds."""
        return self.code in NOTICES

    @property
    def meaning(self) -> str:
        """What follows from it."""
        return MEANINGS[self.code]

    @property
    def place(self) -> str:
        """Where, as a person says it."""
        parts: list[str] = []
        if self.sequence is not None:
            parts.append(f"record {self.sequence}")
        if self.time_unix_ns is not None:
            parts.append(utc(self.time_unix_ns))
        if self.file is not None:
            parts.append(self.file + (f" byte {self.offset}" if self.offset is not None else ""))
        return ", ".join(parts)

    def follows(self, other: Finding) -> bool:
        """Whether it stands right behind the other one, or behind the last of the other's neighbours."""
        return self._behind(other) == other.count

    def is_in(self, other: Finding) -> bool:
        """Whether it is the other one, or was counted with it: a tile may be looked at twice."""
        if self == (other if other.count == 1 else replace(other, count=1, last=None)):
            return True
        behind = self._behind(other) if self.sequence is None else None
        return behind is not None and 0 <= behind < other.count

    def _behind(self, other: Finding) -> int | None:
        """How many places it is behind the first of another one; None where they are not in one row."""
        if self.code is not other.code or self._spot is None or other._spot is None:
            return None
        (series, number), (others, first) = self._spot, other._spot
        return number - first if series == others else None

    @property
    def _spot(self) -> tuple[str, int] | None:
        """Neighbours have consecutive numbers in one series: a level's full tiles, or the log's records."""
        if self.code not in IN_ROWS:
            return None
        if self.file is not None and self.file.startswith(f"{TILES}/"):
            try:
                level, index, width = parse_tile_path(self.file)
            except ValueError:
                return None
            return (f"{TILES}/{level}", index) if width == TILE_WIDTH else None
        return (_RECORDS, self.sequence) if self.sequence is not None else None

    def as_json(self) -> dict[str, object]:
        """For machines; absent parts are null."""
        return {
            "code": self.code.value,
            "notice": self.is_notice,
            "what": self.what,
            "meaning": self.meaning,
            "file": self.file,
            "offset": self.offset,
            "sequence": self.sequence,
            "time_unix_ns": self.time_unix_ns,
            "count": self.count,
            "last": self.last,
        }


class Findings:
    """What was found so far: neighbours as one; of each code the first `SHOWN_LIMIT` are kept.

    `hidden` counts, of each code, those that are not kept.
    """

    def __init__(self) -> None:
        self.kept: list[Finding] = []
        self.hidden: dict[Code, int] = {}

    def add(
        self,
        code: Code,
        what: str,
        file: str | None = None,
        offset: int | None = None,
        *,
        sequence: int | None = None,
        time_unix_ns: int | None = None,
    ) -> None:
        """Notes one; the same one again is not noted twice. Foreign text in `what` and `file` may be as it is."""
        found = Finding(
            code, printable(what[:WHAT_LIMIT_CHARS]), file and printable(file), offset, sequence, time_unix_ns
        )
        alike = [at for at, kept in enumerate(self.kept) if kept.code is code]
        if any(found.is_in(self.kept[at]) for at in alike):
            return
        for at in alike:
            if found.follows(self.kept[at]):
                self.kept[at] = replace(self.kept[at], count=self.kept[at].count + 1, last=found.place)
                return
        if len(alike) < SHOWN_LIMIT:
            self.kept.append(found)
        else:
            self.hidden[code] = self.hidden.get(code, 0) + 1


def utc(unix_ns: int) -> str:
    """A time as ISO 8601 in UTC, to the millisecond; the number itself where the calendar ends."""
    try:
        moment = datetime.fromtimestamp(unix_ns / 1e9, UTC)
    except (OverflowError, OSError, ValueError):
        return f"{unix_ns} ns"
    return moment.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", "Z")
