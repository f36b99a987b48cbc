"""Opening a log: after a stop, after a crash, or for the first time.

What is on disk must continue what was signed last. Only a torn tail beyond that is cut: a commit that was cut off,
of which nobody was told. All else that is wrong stops the start and is kept as it is, for it is evidence.

To know the tree, the records since the segment that the last checkpoint and the oldest open exchange need are read
again; the tree before them comes from the tiles, and must have the root that the segment's header names.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.ledger.checkpoint import Checkpoint, open_checkpoint
from sidecar.ledger.founding import LedgerRefused
from sidecar.ledger.frames import FrameScan
from sidecar.ledger.identity import origin_of
from sidecar.ledger.merkle import Tile, Tree, leaf_hash
from sidecar.ledger.note import NoteInvalid
from sidecar.ledger.reading import check_tail
from sidecar.ledger.segments import HEADER_BYTES, Damaged, Header, first_of, read_header, segment_files
from sidecar.ledger.tiles import TileFolder, TileMissing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.note import VerifierKey


logger = logging.getLogger("sidecar.audit")


class Recall(Protocol):
    """Told of each record that is read again, oldest first."""

    def __call__(self, sequence: int, place: tuple[int, int], record: bytes) -> None:
        """`place`: the first sequence of the record's segment, and its frame's offset there."""
        ...


@dataclass(frozen=True, slots=True)
class Recovered:
    """A log as it was found. `first` and `used_bytes` are the newest segment's.

    `signed` is the last checkpoint. `tiles` gets each tile that becomes full,
    beginning with those of the records read again.
    """

    log_id: str
    tree: Tree
    first: int
    used_bytes: int
    signed: Checkpoint
    tiles: list[Tile]


def recover(files: Files, layout: Layout, log_id: str, keys: Sequence[VerifierKey], recall: Recall) -> Recovered:
    """The log in a slot's folder, its torn tail cut. Raises LedgerRefused, OSError."""
    try:
        signed = open_checkpoint(layout.checkpoint.read_bytes(), keys, origin_of(log_id), sole=True)
    except NoteInvalid as error:
        raise LedgerRefused(f"{layout.checkpoint}: {error}") from error
    try:
        return _Recovery(files, layout, log_id, signed, recall).run()
    except Damaged as found:
        raise LedgerRefused(str(found)) from found


class _Recovery:
    """One pass over the newest segments."""

    def __init__(self, files: Files, layout: Layout, log_id: str, signed: Checkpoint, recall: Recall) -> None:
        self._files = files
        self._layout = layout
        self._log_id = log_id
        self._paths = segment_files(layout.ledger_dir)
        self._headers = {path: read_header(path) for path in self._paths}
        self._signed = signed
        self._recall = recall
        self._tiles: list[Tile] = []
        self._ends: dict[Path, int] = {}

    def run(self) -> Recovered:
        """See `recover`."""
        newest = self._headers[self._paths[-1]]
        self._check_identity()
        start = self._start(newest)
        tree = self._tree_before(start)
        self._check_signed(tree)
        for number, path in enumerate(self._paths[start:], start):
            self._ends[path] = self._read(path, tree, is_newest=number == len(self._paths) - 1)
        if tree.size < self._signed.size:
            raise LedgerRefused(f"{self._signed.size} records were signed, and only {tree.size} are there")
        self._cut()
        used_bytes = self._ends[self._paths[-1]]
        return Recovered(self._log_id, tree, newest.first, used_bytes, self._signed, self._tiles)

    def _cut(self) -> None:
        """Only now, when all else is as it should be: what is refused stays as it was found."""
        for path, end in self._ends.items():
            if path.stat().st_size > end:
                self._files.truncate(path, end)

    def _check_identity(self) -> None:
        for path, header in self._headers.items():
            if header.log_id != self._log_id:
                raise Damaged(path, 8, header.first, f"it is of the log {header.log_id}")
        oldest = first_of(self._paths[0])
        if oldest > self._signed.size:
            raise LedgerRefused(f"{self._signed.size} records were signed, and the oldest that is there is {oldest}")

    def _start(self, newest: Header) -> int:
        """The segment to begin with: the newest that has all that is needed, and a tree to go on from."""
        needed = min(newest.keep_from, self._signed.size)
        number = len(self._paths) - 1
        while number > 0 and (first_of(self._paths[number]) > needed or not self._has_tree(number)):
            number -= 1
        return number

    def _has_tree(self, number: int) -> bool:
        header = self._headers[self._paths[number]]
        try:
            return Tree.restore(header.first, TileFolder(self._layout.ledger_dir).read).root() == header.root
        except TileMissing:
            return False

    def _tree_before(self, number: int) -> Tree:
        header = self._headers[self._paths[number]]
        if header.first == 0:
            return Tree(self._tiles.append)
        if not self._has_tree(number):
            raise LedgerRefused(f"the tiles do not give the tree that {self._paths[number].name} continues")
        return Tree.restore(header.first, TileFolder(self._layout.ledger_dir).read, self._tiles.append)

    def _read(self, path: Path, tree: Tree, *, is_newest: bool) -> int:
        """Takes a segment's records; where they end."""
        header = self._headers[path]
        if (header.first, header.root) != (tree.size, tree.root()):
            raise Damaged(path, 0, tree.size, "the segment does not continue the one before")
        with path.open("rb") as file:
            scan = FrameScan(file, HEADER_BYTES, tree.size)
            for found in scan:
                self._recall(found.sequence, (header.first, found.offset), found.record)
                tree.append(leaf_hash(found.record))
                self._check_signed(tree)
        self._end(path, scan, tree, is_newest=is_newest)
        return scan.end

    def _end(self, path: Path, scan: FrameScan, tree: Tree, *, is_newest: bool) -> None:
        if scan.problem is not None:
            if not is_newest:
                raise Damaged(path, scan.end, tree.size, scan.problem)
            if tree.size < self._signed.size:
                raise Damaged(path, scan.end, tree.size, f"{scan.problem}, in a record that was signed")
            check_tail(path, scan, tree.size, self._log_id)
            logger.warning("%s: cutting off at byte %d what a crash left of a commit: %s", path, scan.end, scan.problem)

    def _check_signed(self, tree: Tree) -> None:
        if tree.size == self._signed.size and tree.root() != self._signed.root:
            raise LedgerRefused(f"the first {tree.size} records are not those that were signed")
