"""Trees to test with: leaves, RFC 6962's own definition of the root as an oracle, tiles in memory."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from sidecar.ledger.merkle import HASH_BYTES, Tree, leaf_hash
from sidecar.ledger.tiles import TileMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.ledger.merkle import Tile


def leaves(count: int) -> list[bytes]:
    return [leaf_hash(b"record %d" % number) for number in range(count)]


def root_by_definition(hashes: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962, 2.1, word for word, over leaf hashes."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while k * 2 < len(hashes):
        k *= 2
    return sha256(b"\x01" + root_by_definition(hashes[:k]) + root_by_definition(hashes[k:])).digest()


class MemoryTiles:
    """What a tree handed over, read as from a folder."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}

    def keep(self, tile: Tile) -> None:
        self.tiles[tile.level, tile.index] = tile.hashes

    def read(self, level: int, index: int, width: int) -> bytes:
        hashes = self.tiles.get((level, index), b"")[: width * HASH_BYTES]
        if len(hashes) != width * HASH_BYTES:
            raise TileMissing(f"tile {level}, {index}, {width}")
        return hashes


def grown(hashes: Sequence[bytes]) -> tuple[Tree, MemoryTiles]:
    """A tree of these leaves and all its tiles, the partial ones too."""
    tiles = MemoryTiles()
    tree = Tree(tiles.keep)
    for leaf in hashes:
        tree.append(leaf)
    for tile in tree.partial_tiles():
        tiles.keep(tile)
    return tree, tiles
