"""Records' hashes against the tree: signed ones against its tiles, later ones in a tree that grows on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.ledger.merkle import HASH_BYTES, TILE_WIDTH, Tile, Tree
from sidecar.ledger.tiles import TileFolder, TileMissing, tile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.files import TileFile
    from sidecar.evidence.verify.tree import SignedTree


class Tail:
    """The tree over records that no checkpoint covers yet, and the tiles that were written ahead of it."""

    def __init__(self, ledger_dir: Path, late: Sequence[TileFile], findings: Findings) -> None:
        self._folder = TileFolder(ledger_dir)
        self._tree = Tree(self.check)
        self._late = {(tile.level, tile.index, tile.width) for tile in late}
        self._findings = findings

    @classmethod
    def after(
        cls,
        ledger_dir: Path,
        size: int,
        read: Callable[[int, int, int], bytes],
        late: Sequence[TileFile],
        findings: Findings,
    ) -> Tail | None:
        """A tail that begins with record `size`; None where the tiles of what is before it cannot be read."""
        tail = cls(ledger_dir, late, findings)
        try:
            tail._tree = Tree.restore(size, read, tail.check)
        except TileMissing:
            return None
        return tail

    @property
    def size(self) -> int:
        """Which record is next."""
        return self._tree.size

    def root(self) -> bytes:
        """The root over all records so far."""
        return self._tree.root()

    def add(self, begin: int, leaves: Sequence[bytes]) -> None:
        """Takes the hashes of records from `begin` on; after a gap there is no tree to grow."""
        if begin == self._tree.size:
            for leaf in leaves:
                self._tree.append(leaf)

    def check(self, tile: Tile) -> None:
        """Compares what is on disk of a tile with what it must be."""
        for level, index, width in sorted(self._late):
            if (level, index) == (tile.level, tile.index) and width <= tile.width:
                self._late.discard((level, index, width))
                self._compare(level, index, width, tile.hashes[: width * HASH_BYTES])

    def finish(self) -> None:
        """All records were there: whatever tile was not met is of none of them."""
        for tile in self._tree.partial_tiles():
            self.check(tile)
        for level, index, width in sorted(self._late):
            path = tile_path(level, index, width)
            self._findings.add(Code.TILE_UNEXPECTED, f"it has hashes of records that are not here: {path}", path)

    def _compare(self, level: int, index: int, width: int, right: bytes) -> None:
        path = tile_path(level, index, width)
        try:
            held = self._folder.read(level, index, width)
        except TileMissing:
            self._findings.add(Code.TILE_MISSING, f"the tile {path} is not whole", path)
            return
        if held != right:
            at = next(at for at, (one, other) in enumerate(zip(held, right, strict=True)) if one != other)
            what = f"hash {at // HASH_BYTES} is not that of what lies below it"
            self._findings.add(Code.TILE_DAMAGED, what, path, at)


class Leaves:
    """Compares runs of records' hashes with the signed tree, tile by tile, and looks at tiles without records too."""

    def __init__(self, tree: SignedTree, tail: Tail | None, findings: Findings, *, may_be_ahead: bool = False) -> None:
        """`may_be_ahead`: tiles may be there before their records."""
        self._tree = tree
        self._tail = tail
        self._findings = findings
        self._may_be_ahead = may_be_ahead
        self._full_tiles = tree.size // TILE_WIDTH
        self._next_tile = 0

    def root_at(self, size: int) -> bytes | None:
        """The root over the first `size` records; None where it is not known."""
        if size <= self._tree.size:
            return self._tree.root_at(size)
        return self._tail.root() if self._tail is not None and self._tail.size == size else None

    def signed(self, sequence: int) -> bytes:
        """The signed hash of a record; empty where it is not signed or not known."""
        if sequence >= self._tree.size:
            return b""
        try:
            hashes = self._tree.read(0, *_within(sequence))
        except TileMissing:
            return b""
        return hashes[-HASH_BYTES:]

    def check(self, begin: int, leaves: Sequence[bytes], file: str) -> None:
        """A run of records that lie in one tile, and in one file."""
        index, offset = divmod(begin, TILE_WIDTH)
        self._catch_up(index)
        signed_count = max(0, min(len(leaves), self._tree.size - begin))
        if signed_count:
            made = b"".join(leaves[:signed_count])
            if index < self._full_tiles:
                self._next_tile = index + 1
                right = self._tree.hashes_of(index, made)
            else:
                right = self._tree.edge(0)
            if made != right[offset * HASH_BYTES : offset * HASH_BYTES + len(made)]:
                self._differ(begin, made, right[offset * HASH_BYTES :], file)
        if signed_count < len(leaves) and self._tail is not None:
            self._tail.add(begin + signed_count, leaves[signed_count:])

    def finish(self) -> None:
        """Looks at all full tiles that no record led to."""
        self._catch_up(self._full_tiles)
        for level, count in enumerate(self._tree.level_widths()):
            for index in range(count // TILE_WIDTH if level else 0):
                self._tree.check_full(level, index)
        if self._tail is not None and not self._may_be_ahead:
            self._tail.finish()

    def _catch_up(self, index: int) -> None:
        while self._next_tile < min(index, self._full_tiles):
            self._tree.check_full(0, self._next_tile)
            self._next_tile += 1

    def _differ(self, begin: int, made: bytes, right: bytes, file: str) -> None:
        if not right:
            last = begin + len(made) // HASH_BYTES - 1
            what = f"one or more of the records {begin} to {last} are not those that were signed"
            self._findings.add(Code.RECORD_ALTERED, what, file, sequence=begin)
            return
        for at in range(0, min(len(made), len(right)), HASH_BYTES):
            if made[at : at + HASH_BYTES] != right[at : at + HASH_BYTES]:
                sequence = begin + at // HASH_BYTES
                what = f"the hash of record {sequence} is not the one that was signed"
                self._findings.add(Code.RECORD_ALTERED, what, file, sequence=sequence)


def _within(sequence: int) -> tuple[int, int]:
    index, place = divmod(sequence, TILE_WIDTH)
    return index, place + 1
