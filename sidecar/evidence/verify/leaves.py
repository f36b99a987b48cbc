"""Records' hashes against the tree: signed ones against its tiles, later ones in a tree that grows on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.ledger.merkle import HASH_BYTES, TILE_WIDTH
from sidecar.ledger.tiles import TileMissing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.evidence.findings import Findings
    from sidecar.evidence.verify.tree import SignedTree
    from sidecar.evidence.verify.unsigned import UnsignedTree


class Leaves:
    """Compares runs of records' hashes with the signed tree, tile by tile, and looks at tiles without records too."""

    def __init__(
        self, tree: SignedTree, unsigned: UnsignedTree | None, findings: Findings, *, may_be_ahead: bool = False
    ) -> None:
        """`may_be_ahead`: tiles may be there before their records."""
        self._tree = tree
        self._unsigned = unsigned
        self._findings = findings
        self._may_be_ahead = may_be_ahead
        self._full_tiles = tree.size // TILE_WIDTH
        self._next_tile = 0

    def root_at(self, size: int) -> bytes | None:
        """The root over the first `size` records; None where it is not known."""
        if size <= self._tree.size:
            return self._tree.root_at(size)
        return self._unsigned.root() if self._unsigned is not None and self._unsigned.size == size else None

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
        if signed_count < len(leaves) and self._unsigned is not None:
            self._unsigned.add(begin + signed_count, leaves[signed_count:])

    def finish(self) -> None:
        """Looks at all full tiles that no record led to."""
        self._catch_up(self._full_tiles)
        for level, count in enumerate(self._tree.level_widths()):
            for index in range(count // TILE_WIDTH if level else 0):
                self._tree.check_full(level, index)
        if self._unsigned is not None and not self._may_be_ahead:
            self._unsigned.finish()

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
