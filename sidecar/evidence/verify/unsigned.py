"""The tree over records that no checkpoint covers yet: it grows on from the signed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.evidence.verify.differences import compare_tile
from sidecar.ledger.merkle import HASH_BYTES, Tile, Tree
from sidecar.ledger.tiles import TileFolder, TileMissing, tile_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.files import TileFile
    from sidecar.ledger.merkle import ReadTile


class UnsignedTree:
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
        read: ReadTile,
        late: Sequence[TileFile],
        findings: Findings,
    ) -> UnsignedTree | None:
        """One that goes on with record `size`; None where the tiles of what is before it cannot be read."""
        unsigned = cls(ledger_dir, late, findings)
        try:
            unsigned._tree = Tree.restore(size, read, unsigned.check)
        except TileMissing:
            return None
        return unsigned

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
        compare_tile(path, held, right, self._findings)
