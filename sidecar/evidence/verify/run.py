"""Verifying one log: every byte of every file in its folder, against what its key signed.

The checkpoint is read first, so that a log may be written meanwhile: what is beyond it is not yet signed, and no more
than that is said of it. Memory is bounded whatever the log's size: records are read once, in order.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.evidence.checkpoints import newest_provable
from sidecar.evidence.findings import Code, Findings
from sidecar.evidence.report import Report
from sidecar.evidence.verify.differences import compare_tile
from sidecar.evidence.verify.files import list_files
from sidecar.evidence.verify.leaves import Leaves
from sidecar.evidence.verify.notes import check_checkpoint, check_identity, read_checkpoint
from sidecar.evidence.verify.records import RecordPass
from sidecar.evidence.verify.segments import SegmentPass, log_id_in
from sidecar.evidence.verify.tree import SignedTree
from sidecar.evidence.verify.unsigned import UnsignedTree
from sidecar.ledger.identity import log_id_of, origin_of
from sidecar.ledger.layout import CHECKPOINT, checkpoint_name
from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.segments import first_of, segment_files
from sidecar.ledger.tiles import TileFolder, TileMissing, tile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder
    from sidecar.evidence.verify.files import Listing
    from sidecar.ledger.checkpoint import Checkpoint
    from sidecar.ledger.note import VerifierKey

_ATTEMPTS = 5


class RetentionRan(Exception):
    """Each attempt met a segment that retention deleted meanwhile."""


def verify_log(
    folder: LogFolder,
    keys: Sequence[VerifierKey],
    *,
    against: bytes | None = None,
    tick: Callable[[int, int], None] = lambda _done, _total: None,
) -> Report:
    """Checks one log. `against`: an older checkpoint, as a signed note, that it must continue.

    `tick` is told of bytes read so far and of all. Raises OSError, and RetentionRan where the log changes
    faster than it can be read.
    """
    for _ in range(_ATTEMPTS):
        with suppress(FileNotFoundError):
            return _Verification(folder, keys, tick).run(against)
    raise RetentionRan(f"{folder.path} changes while it is read: wait for retention to finish, or copy it first")


class _Verification:
    """One attempt."""

    def __init__(self, folder: LogFolder, keys: Sequence[VerifierKey], tick: Callable[[int, int], None]) -> None:
        self._folder = folder
        self._keys = keys
        self._tick = tick
        self._done = 0
        self._total = 0
        self._findings = Findings()
        self._listing: Listing
        self._first = 0

    def run(self, against: bytes | None) -> Report:
        """See `verify_log`."""
        findings, path = self._findings, self._folder.path
        identity = check_identity(self._folder.identity, self._keys, findings)
        signed = self._newest_checkpoint(identity.origin if identity else None)
        size, root = (signed.size, signed.root) if signed else (0, EMPTY_ROOT)
        self._listing = list_files(path, size, findings, is_archive=self._folder.is_archive)
        segments = self._listing.segments
        self._first = first_of(segments[0]) if segments else 0
        self._total = sum(segment.stat().st_size for segment in segments)
        has_edge = not self._folder.is_archive  # an archive's records may prove it where these are not there
        tree = SignedTree(path, size, root, findings, first=self._first, has_edge_files=has_edge)
        if not tree.is_proven:
            findings.add(Code.TREE_DIFFERS, f"the tiles of {size} records do not make the signed root", CHECKPOINT)
        log_id = identity.log_id if identity else _log_of(signed) or log_id_in(segments)
        done = self._read_records(log_id, tree)
        self._check_early_tiles(tree)
        self._check_older(tree, identity.origin if identity else None, against)
        return self._report(log_id, signed, done)

    def _newest_checkpoint(self, origin: str | None) -> Checkpoint | None:
        if not self._folder.is_archive:
            return check_checkpoint(self._folder.checkpoint, CHECKPOINT, self._keys, origin, self._findings)
        newest = newest_provable(self._folder)
        if newest is None:
            self._tell_none_provable()
            return None
        return self._archived(newest, origin)

    def _tell_none_provable(self) -> None:
        """An archive gets checkpoints first; but what records it has must be under one."""
        checkpoints = self._folder.checkpoints
        largest = max((path.name for path in checkpoints.iterdir() if path.name.isdecimal()), default=None)
        if largest is None or segment_files(self._folder.path):
            what = "none can be checked by the tiles and records that are here"
            self._findings.add(Code.CHECKPOINT_MISSING, what, checkpoints.name)
        else:
            what = f"the {int(largest)} records that were signed are not here"
            self._findings.add(Code.RECORDS_ELSEWHERE, what, f"{checkpoints.name}/{largest}")

    def _archived(self, path: Path, origin: str | None) -> Checkpoint | None:
        """One checkpoint of an archive."""
        name = f"{self._folder.checkpoints.name}/{path.name}"
        found = check_checkpoint(path, name, self._keys, origin, self._findings)
        if found is not None and name != checkpoint_name(found.size):
            what = f"its name says {path.name}, and it covers {found.size} records"
            self._findings.add(Code.CHECKPOINT_INVALID, what, name)
            return None
        return found

    def _read_records(self, log_id: str | None, tree: SignedTree) -> RecordPass:
        findings, path = self._findings, self._folder.path
        start, read = (tree.size, tree.read) if tree.size >= self._first else (self._first, TileFolder(path).read)
        unsigned = UnsignedTree.after(path, start, read, self._listing.late, findings) if tree.is_proven else None
        leaves = Leaves(tree, unsigned, findings, may_be_ahead=self._folder.is_archive)
        records = RecordPass(
            log_id or "0" * 32, tree.size, self._first, leaves=leaves, findings=findings, tick=self._add_done
        )
        SegmentPass(log_id, records, leaves, findings).run(self._listing.segments)
        leaves.finish()
        self._conclude(records, tree.size)
        return records

    def _conclude(self, records: RecordPass, size: int) -> None:
        findings, due, first = self._findings, records.state.due, self._first
        if first > 0:
            findings.add(Code.OLDEST_DELETED, f"the records 0 to {first - 1} are not here any more", sequence=first)
        if due < size:
            code = Code.RECORDS_ELSEWHERE if self._folder.is_archive else Code.RECORDS_MISSING
            findings.add(code, f"the records {due} to {size - 1} were signed and are not here", sequence=due)
        elif due > size:
            start = max(size, first)
            which = "newest checkpoint that can be checked here" if self._folder.is_archive else "checkpoint"
            what = f"{due - start} records are newer than the {which}"
            findings.add(Code.NOT_YET_SIGNED, what, sequence=start)
        if count := len(records.state.open_intents):
            what = f"{count} exchanges have an INTENT and no OUTCOME yet"
            findings.add(Code.STILL_OPEN, what, sequence=records.state.lowest_open)

    def _check_early_tiles(self, tree: SignedTree) -> None:
        """Partial tiles of older checkpoints: the beginnings of what is there now."""
        folder = TileFolder(self._folder.path)
        for tile in self._listing.early:
            level, index, width = tile.level, tile.index, tile.width
            path = tile_path(level, index, width)
            with suppress(TileMissing):  # deleted meanwhile, or the tile that it began is gone and was told of
                right = tree.read(level, index, width)
                if not (self._folder.path / path).exists():
                    continue
                compare_tile(path, folder.read(level, index, width), right, self._findings)

    def _check_older(self, tree: SignedTree, origin: str | None, against: bytes | None) -> None:
        """That each older checkpoint at hand is the beginning of this log."""
        if against is not None:
            older = read_checkpoint(against, "--against", self._keys, origin, self._findings, sole=False)
            if older is not None:
                self._check_continues(tree, older, "--against")
                self._check_compared(tree, older)
        if not self._folder.is_archive:
            return
        for path in sorted(self._folder.checkpoints.iterdir()):
            other = self._archived(path, origin)
            if other is not None and other.size <= tree.size:
                self._check_continues(tree, other, f"{self._folder.checkpoints.name}/{path.name}")

    def _check_continues(self, tree: SignedTree, older: Checkpoint, name: str) -> None:
        if older.size > tree.size:
            what = f"{older.size} records were signed in it, and the log's newest checkpoint covers {tree.size}"
            self._findings.add(Code.LOG_ROLLED_BACK, what, name, sequence=tree.size)
            return
        root = tree.root_at(older.size)
        if root is not None and root != older.root:
            what = f"the first {older.size} records have another root now"
            self._findings.add(Code.HISTORY_REWRITTEN, what, name)

    def _check_compared(self, tree: SignedTree, older: Checkpoint) -> None:
        """Retention deletes hashes that a size within their tile needs: what was asked must not pass as answered."""
        if older.size <= tree.size and tree.root_at(older.size) is None:
            what = f"whether the first {older.size} records are those that were signed in it cannot be told"
            self._findings.add(Code.HISTORY_UNKNOWN, what, "--against", sequence=older.size)

    def _add_done(self, count: int) -> None:
        self._done += count
        self._tick(self._done, self._total)

    def _report(self, log_id: str | None, signed: Checkpoint | None, records: RecordPass) -> Report:
        origin = origin_of(log_id) if log_id else None
        return Report(
            folder=str(self._folder.path),
            log_id=log_id,
            keys=[key.vkey for key in self._keys if key.name == origin],
            size=signed.size if signed else None,
            root=signed.root if signed else None,
            first=self._first,
            records=records.state.records,
            last_unix_ns=records.state.last_unix_ns or None,
            read_bytes=self._done,
            findings=tuple(self._findings.kept),
            hidden=self._findings.hidden,
        )


def _log_of(signed: Checkpoint | None) -> str | None:
    """The log that a checkpoint names. Where its key is unknown, anybody may have written what stands there."""
    with suppress(NoteInvalid):
        return log_id_of(signed.origin) if signed else None
    return None
