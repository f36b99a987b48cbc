"""The Merkle tree over a log's records: RFC 6962, section 2.1, with SHA-256.

A growing tree keeps only its right edge in memory: for each level of tiles the one that is not full yet. With C2SP
tlog-tiles' width of 256, that is at most 8 KiB a level, and one level more for each factor of 256 in size.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

HASH_BYTES = 32
TILE_HEIGHT = 8
"""Levels of the binary tree that one level of tiles spans."""
TILE_WIDTH = 1 << TILE_HEIGHT
TILE_BYTES = TILE_WIDTH * HASH_BYTES
EMPTY_ROOT = sha256().digest()
"""The hash of a tree without leaves is that of the empty string (RFC 6962, 2.1)."""


class ReadTile(Protocol):
    """Where hashes come from that are no longer in memory."""

    def __call__(self, level: int, index: int, width: int, /) -> bytes:
        """The first `width` hashes of a tile, side by side."""
        ...


def leaf_hash(record: bytes) -> bytes:
    """A record's leaf hash. The first byte keeps it from ever passing for a node."""
    return sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def merkle_root(hashes: bytes) -> bytes:
    """The root over hashes side by side, each of one and the same height; the last may be of a lower one.

    Hashing pairs, level by level, and letting an odd one rise as it is, gives the tree of RFC 6962, whose left
    part is the largest power of two that leaves something to the right. Raises ValueError without any hash.
    """
    if not hashes or len(hashes) % HASH_BYTES:
        raise ValueError(f"{len(hashes)} bytes are not one hash or more")
    pair_bytes = 2 * HASH_BYTES
    while (end := len(hashes)) > HASH_BYTES:
        odd = hashes[end - end % pair_bytes :]
        pairs = [sha256(b"\x01" + hashes[at : at + pair_bytes]).digest() for at in range(0, end - len(odd), pair_bytes)]
        hashes = b"".join(pairs) + odd
    return hashes


@dataclass(frozen=True, slots=True)
class Tile:
    """`width` neighbouring hashes: of leaves at level 0, of whole tiles of the level below at any other."""

    level: int
    index: int
    hashes: bytes

    @property
    def width(self) -> int:
        """How many hashes: 1 to 256; fewer than 256 make a partial tile."""
        return len(self.hashes) // HASH_BYTES


def ignore(tile: Tile) -> None:
    """For a tree of which only the root is wanted."""


class Tree:
    """A tree that grows leaf by leaf. Not for use by several threads at once."""

    __slots__ = ("_edge", "_on_tile", "size")

    def __init__(self, on_tile: Callable[[Tile], None] = ignore) -> None:
        """`on_tile` is told of each tile that becomes full, of a lower level first. After it raised, the tree is
        of no use any more."""
        self.size = 0
        self._on_tile = on_tile
        self._edge = [bytearray()]  # the unfinished tile of each level

    @classmethod
    def restore(cls, size: int, read: ReadTile, on_tile: Callable[[Tile], None] = ignore) -> Tree:
        """The tree as it was at a size. Reads the partial tiles of that size only, and raises what `read` raises.

        What was read is proven by comparing `root()` with that of a signed checkpoint.
        """
        tree = cls(on_tile)
        tree.size = size
        tree._edge = [bytearray(_edge_tile(size, level, read)) for level in range(max(1, _levels(size)))]
        return tree

    def append(self, leaf: bytes) -> None:
        """Adds one leaf hash."""
        if len(leaf) != HASH_BYTES:
            raise ValueError(f"a leaf hash of {len(leaf)} bytes: it must have {HASH_BYTES}")
        edge = self._edge[0]
        edge += leaf
        self.size += 1
        if len(edge) == TILE_BYTES:
            self._complete(0)

    def root(self) -> bytes:
        """The root over all leaves so far."""
        root = b""
        for edge in self._edge:
            if hashes := bytes(edge) + root:
                root = merkle_root(hashes)
        return root or EMPTY_ROOT

    def partial_tiles(self) -> list[Tile]:
        """The unfinished tiles, of a lower level first; without the empty ones, which C2SP has no files for."""
        return [
            Tile(level, self.size >> TILE_HEIGHT * (level + 1), bytes(edge))
            for level, edge in enumerate(self._edge)
            if edge
        ]

    def _complete(self, level: int) -> None:
        hashes = bytes(self._edge[level])
        self._on_tile(Tile(level, (self.size >> TILE_HEIGHT * (level + 1)) - 1, hashes))
        self._edge[level].clear()
        if level + 1 == len(self._edge):
            self._edge.append(bytearray())
        above = self._edge[level + 1]
        above += merkle_root(hashes)
        if len(above) == TILE_BYTES:
            self._complete(level + 1)


def _levels(size: int) -> int:
    return -(-size.bit_length() // TILE_HEIGHT)


def _edge_tile(size: int, level: int, read: ReadTile) -> bytes:
    hashes_in_level = size >> TILE_HEIGHT * level
    index, width = divmod(hashes_in_level, TILE_WIDTH)
    hashes = read(level, index, width) if width else b""
    if len(hashes) != width * HASH_BYTES:
        raise ValueError(f"the tile of level {level} and index {index} was read without its {width} hashes")
    return hashes
