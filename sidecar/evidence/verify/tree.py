"""The tree of hashes under a signed root: which tile can be trusted, and which file is wrong where one cannot.

From the top down. The tiles at the right edge make the root; each full tile makes one hash of the tile above it. So a
tile that does not is the very file that is wrong, and is made again from what lies below it, so that the rest can be
checked all the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.evidence.verify.differences import compare_tile
from sidecar.ledger.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    TILE_BYTES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    Tree,
    leaf_hash,
    merkle_root,
)
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged
from sidecar.ledger.tiles import TileFolder, TileMissing, tile_path

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.findings import Findings

CACHE_TILES = 64


class SignedTree:
    """The tiles of one log, checked against a root; made from its records where they are missing or wrong.

    `is_proven`: the tiles at the edge, mended if need be, make the root.
    """

    def __init__(
        self,
        ledger_dir: Path,
        size: int,
        root: bytes,
        findings: Findings,
        *,
        first: int = 0,
        has_edge_files: bool = True,
    ) -> None:
        """`first`: the oldest record that is still here; level-0 tiles of older records may be gone.

        `has_edge_files`: the unfinished tiles of this size must be there.
        """
        self.size = size
        self._folder = TileFolder(ledger_dir)
        self._findings = findings
        self._ledger_dir = ledger_dir
        self._first = first
        self._has_edge_files = has_edge_files
        self._cache: dict[tuple[int, int], bytes] = {}
        self._edge = {level: self._read_edge(level) for level in self._edge_levels()}
        self.is_proven = self._prove_edge(root)

    def read(self, level: int, index: int, width: int) -> bytes:
        """A tile's hashes, trusted as far as can be: what `Tree.restore` and proofs read. Raises TileMissing."""
        hashes = self._tile(level, index)
        if len(hashes) < width * HASH_BYTES:
            raise TileMissing(f"{tile_path(level, index, width)} cannot be had")
        return hashes[: width * HASH_BYTES]

    def root_at(self, size: int) -> bytes | None:
        """The root over the first records; None where tiles are gone that it needs."""
        try:
            return Tree.restore(size, self.read).root()
        except TileMissing:
            return None

    def expected(self, level: int, index: int) -> bytes | None:
        """The hash of a full tile, as the tile above it says; None where that is gone."""
        parent, place = divmod(index, TILE_WIDTH)
        above = self._tile(level + 1, parent)
        return above[place * HASH_BYTES : (place + 1) * HASH_BYTES] or None

    def check_full(self, level: int, index: int) -> None:
        """Looks at one full tile's file, and says what is wrong with it."""
        self._tile(level, index)

    def hashes_of(self, index: int, made: bytes) -> bytes:
        """The trusted leaf hashes of a level-0 tile; empty where nothing makes the hash that was signed.

        `made`: the same hashes, as the records make them; or fewer, where a tile's records are in two segments.
        """
        if len(made) != TILE_BYTES or (0, index) in self._cache:
            return self._tile(0, index)
        held = self.file_of(0, index) or b""
        is_signed = merkle_root(made) == self.expected(0, index)
        if held == made and is_signed:
            return made
        if is_signed:
            self._compare(0, index, held, made, TILE_WIDTH)
            return made
        return self._tile(0, index)

    def file_of(self, level: int, index: int, width: int = TILE_WIDTH) -> bytes | None:
        """What the tile's own file holds, if it is there at all."""
        try:
            return self._folder.read(level, index, width)
        except (TileMissing, IsADirectoryError, NotADirectoryError):
            return None

    def edge(self, level: int) -> bytes:
        """The hashes of the unfinished tile of a level."""
        return self._edge.get(level, b"")

    def level_widths(self) -> list[int]:
        """How many hashes each level has, from level 0 on."""
        widths = [self.size]
        while widths[-1] >= TILE_WIDTH:
            widths.append(widths[-1] >> TILE_HEIGHT)
        return widths

    def _edge_levels(self) -> list[int]:
        return [level for level, count in enumerate(self.level_widths()) if count % TILE_WIDTH]

    def _edge_place(self, level: int) -> tuple[int, int]:
        return divmod(self.size >> TILE_HEIGHT * level, TILE_WIDTH)

    def _read_edge(self, level: int) -> bytes:
        return self.file_of(level, *self._edge_place(level)) or b""

    def _edge_root(self) -> bytes | None:
        try:
            return Tree.restore(self.size, self._read_edge_tile).root()
        except TileMissing:
            return None

    def _read_edge_tile(self, level: int, index: int, width: int) -> bytes:
        hashes = self._edge.get(level, b"")
        if len(hashes) != width * HASH_BYTES:
            raise TileMissing(tile_path(level, index, width))
        return hashes

    def _prove_edge(self, root: bytes) -> bool:
        """Whether the edge makes the root; if not, makes it anew from below and tells which files were wrong."""
        found = {level: self._edge[level] for level in self._edge}
        proven = self._edge_root() == root if self.size else root == EMPTY_ROOT
        if not proven:
            for level, held in found.items():
                self._edge[level] = self._from_below(level, *self._edge_place(level)) or held
            proven = self._edge_root() == root
        if not proven:
            self._edge.update(found)
        for level, held in found.items():
            index, width = self._edge_place(level)
            if held or self._has_edge_files:
                self._compare(level, index, held, self._edge[level], width)
        return proven

    def _tile(self, level: int, index: int) -> bytes:
        if index == self._edge_place(level)[0]:
            return self.edge(level)
        cached = self._cache.get((level, index))
        if cached is None:
            if len(self._cache) >= CACHE_TILES:
                self._cache.pop(next(iter(self._cache)))
            cached = self._cache[level, index] = self._trusted(level, index)
        return cached

    def _trusted(self, level: int, index: int) -> bytes:
        """A full tile: its file's content where that makes the hash above, else what is below it."""
        held = self.file_of(level, index) or b""
        expected = self.expected(level, index)
        if held and (expected is None or merkle_root(held) == expected):
            return held
        if not held and self._may_be_gone(level, index):
            return b""
        made = self._from_below(level, index, TILE_WIDTH)
        is_right = len(made) == TILE_BYTES and merkle_root(made) == expected
        self._compare(level, index, held, made if is_right else b"", TILE_WIDTH)
        if is_right:
            return made
        return held if level else b""  # records are compared with what is trusted only

    def _may_be_gone(self, level: int, index: int) -> bool:
        return level == 0 and (index + 1) * TILE_WIDTH <= self._first

    def _from_below(self, level: int, index: int, width: int) -> bytes:
        """From the tiles below it, or else from all the records below it."""
        below = [self.file_of(level - 1, index * TILE_WIDTH + place) for place in range(width)] if level else [None]
        whole = [hashes for hashes in below if hashes]
        if len(whole) == len(below):
            return b"".join(map(merkle_root, whole))
        return _made_of_records(self._ledger_dir, level, index, width)

    def _compare(self, level: int, index: int, held: bytes, right: bytes, width: int) -> None:
        path = tile_path(level, index, width)
        if not held:
            self._findings.add(Code.TILE_MISSING, f"the tile {path} is not there, or not whole", path)
        elif not right:
            self._findings.add(Code.TILE_DAMAGED, "its hashes do not make the hash that was signed", path)
        else:
            compare_tile(path, held, right, self._findings)


def _made_of_records(ledger_dir: Path, level: int, index: int, width: int) -> bytes:
    """A tile's hashes; empty where not all records below it can be read."""
    made: list[Tile] = []

    def keep(tile: Tile) -> None:
        if tile.level == level:
            made.append(tile)

    tree = Tree(keep)
    first, count = (places << TILE_HEIGHT * level for places in (index * TILE_WIDTH, width))
    try:
        for entry in entries(ledger_dir, first, first + count):
            tree.append(leaf_hash(entry.record))
    except Damaged:
        return b""
    if tree.size != count:
        return b""
    return next(tile.hashes for tile in [*made, *tree.partial_tiles()] if tile.level == level)
