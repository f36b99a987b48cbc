"""Merkle proofs: that a record is in a tree, and that one tree is the beginning of another.

Made from tiles after RFC 6962, sections 2.1.1 and 2.1.2; verified after RFC 9162, sections 2.1.3.2 and 2.1.4.2. A
proof made from tiles that someone changed is just a proof that fails. As a file, a proof of inclusion is a C2SP
tlog-proof.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from sidecar.ledger.merkle import EMPTY_ROOT, HASH_BYTES, TILE_HEIGHT, TILE_WIDTH, merkle_root, node_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sidecar.ledger.merkle import ReadTile

_MAGIC = b"c2sp.org/tlog-proof@v1"
_PROOF_LIMIT = 64
"""Hashes in a proof of inclusion: sequences have 64 bits."""


class ProofInvalid(Exception):
    """The proof does not prove what it should."""


def inclusion_proof(read: ReadTile, index: int, size: int) -> list[bytes]:
    """The hashes beside the way from a leaf to the root of the tree of a size, the leaf's sibling first.

    `read(level, index, width)` gives a tile's hashes; what it raises is raised. Raises ValueError for a leaf that
    the tree does not have.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    subtree = _subtrees(read, size)
    proof: list[bytes] = []
    begin, end = 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    return proof[::-1]


def consistency_proof(read: ReadTile, old_size: int, new_size: int) -> list[bytes]:
    """The hashes that show a tree of the old size to be the beginning of that of the new size.

    Empty where the sizes are equal or the old tree was empty: there is nothing to show. `read` is as above, of
    tiles at the new size. Raises ValueError where the new tree is the smaller one.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"a tree of {old_size} leaves does not grow to {new_size}")
    if old_size in (0, new_size):
        return []
    subtree = _subtrees(read, new_size)
    proof: list[bytes] = []
    begin, end = 0, new_size
    while old_size != end:
        middle = begin + _split(end - begin)
        if old_size <= middle:
            proof.append(subtree(middle, end))
            end = middle
        else:
            proof.append(subtree(begin, middle))
            begin = middle
    if begin > 0:  # else that subtree is the old tree itself, whose root the verifier has
        proof.append(subtree(begin, end))
    return proof[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """That a leaf hash has this index in the tree of that size and root. Raises ProofInvalid."""
    if not 0 <= index < size:
        raise ProofInvalid(f"a tree of {size} leaves has no leaf {index}")
    _check_lengths(leaf, *proof)
    node, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if node % 2 == 1 or node == last:
            found = node_hash(sibling, found)
            node, last = _above_lone(node, last)
        else:
            found = node_hash(found, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    if found != root:
        raise ProofInvalid(f"the proof leads to another root: record {index} is not the one in the tree of {size}")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """That the tree of the old size and root is the beginning of that of the new ones. Raises ProofInvalid."""
    if not 0 <= old_size <= new_size:
        raise ProofInvalid(f"a tree of {old_size} leaves does not grow to {new_size}")
    if old_size == 0 and old_root != EMPTY_ROOT:
        raise ProofInvalid("a tree of 0 leaves has another root")
    if old_size in (0, new_size) and proof:
        raise ProofInvalid("the proof is too long: there is nothing to prove")
    if old_size == new_size:
        if old_root != new_root:
            raise ProofInvalid(f"the two trees of {old_size} leaves have different roots")
        return
    _check_lengths(old_root, new_root, *proof)
    if old_size == 0:
        return  # C2SP tlog-witness: the empty tree is consistent with every other
    if _run_consistency(old_size, old_root, new_size, proof) != (old_root, new_root):
        raise ProofInvalid(f"the tree of {old_size} leaves is not the beginning of that of {new_size}")


@dataclass(frozen=True, slots=True)
class TlogProof:
    """What a tlog-proof says, none of it verified: whose word counts is the checkpoint's."""

    index: int
    proof: list[bytes]
    checkpoint: bytes
    extra: bytes | None = None


def format_proof(index: int, proof: Sequence[bytes], checkpoint: bytes, extra: bytes | None = None) -> bytes:
    """A proof of inclusion that stands by itself: C2SP tlog-proof. `checkpoint` is the whole signed note."""
    head = [_MAGIC] if extra is None else [_MAGIC, b"extra " + b64encode(extra)]
    lines = [*head, b"index %d" % index, *map(b64encode, proof), b"", checkpoint]
    return b"\n".join(lines)


def parse_proof(text: bytes) -> TlogProof:
    """What a tlog-proof says. Raises ProofInvalid for all that `format_proof` does not write, to the byte."""
    head, _, checkpoint = text.partition(b"\n\n")
    lines = iter(head.split(b"\n")[1 : _PROOF_LIMIT + 4])
    try:
        line = next(lines)
        extra = b64decode(line.removeprefix(b"extra ")) if line.startswith(b"extra ") else None
        index = int((next(lines) if extra is not None else line).removeprefix(b"index "))
        found = TlogProof(index, [b64decode(line) for line in lines], checkpoint, extra)
    except (StopIteration, ValueError) as error:
        raise ProofInvalid("this is not a tlog-proof") from error
    _check_lengths(*found.proof)
    canonical = format_proof(index, found.proof, checkpoint, extra)
    if index < 0 or len(found.proof) > _PROOF_LIMIT or text != canonical:
        raise ProofInvalid("this is not a tlog-proof as C2SP writes it")
    return found


def _run_consistency(old_size: int, old_root: bytes, new_size: int, proof: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that the proof leads to (RFC 9162, 2.1.4.2)."""
    # A power of two: the old root is a node of the new tree, so the proof leaves it out.
    path = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not path:
        raise ProofInvalid("the proof is too short")
    node, last = old_size - 1, new_size - 1
    while node % 2 == 1:
        node, last = node >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            raise ProofInvalid("the proof is too long")
        if node % 2 == 1 or node == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            node, last = _above_lone(node, last)
        else:
            new = node_hash(new, sibling)
        node, last = node >> 1, last >> 1
    if last != 0:
        raise ProofInvalid("the proof is too short")
    return old, new


def _above_lone(node: int, last: int) -> tuple[int, int]:
    """Skips the levels at which a node at the right edge has no sibling: there it just rises."""
    while node % 2 == 0 and node != 0:
        node, last = node >> 1, last >> 1
    return node, last


def _check_lengths(*hashes: bytes) -> None:
    if any(len(one) != HASH_BYTES for one in hashes):
        raise ProofInvalid(f"a hash has {HASH_BYTES} bytes")


def _split(leaves: int) -> int:
    """The largest power of two smaller than a number of leaves: how many go left (RFC 6962, 2.1)."""
    return 1 << (leaves - 1).bit_length() - 1


def _subtrees(read: ReadTile, size: int) -> Callable[[int, int], bytes]:
    """Gives the root over leaves [begin, end) of the tree of a size, where these make a subtree of it."""
    tile = cache(read)  # for one proof, so of a few tiles a level

    def whole(begin: int, height: int) -> bytes:
        level, within = divmod(height, TILE_HEIGHT)
        index, first = divmod(begin >> TILE_HEIGHT * level, TILE_WIDTH)
        width = min(TILE_WIDTH, (size >> TILE_HEIGHT * level) - index * TILE_WIDTH)
        hashes = tile(level, index, width)
        return merkle_root(hashes[first * HASH_BYTES : (first + (1 << within)) * HASH_BYTES])

    def subtree(begin: int, end: int) -> bytes:
        leaves = end - begin
        if leaves & (leaves - 1) == 0:
            return whole(begin, leaves.bit_length() - 1)
        middle = begin + _split(leaves)
        return node_hash(subtree(begin, middle), subtree(middle, end))

    return subtree
