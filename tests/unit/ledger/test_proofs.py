"""Proofs over trees, against the definitions of RFC 6962 and against every alteration."""

from __future__ import annotations

from functools import cache
from itertools import product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.ledger.merkle import EMPTY_ROOT
from sidecar.ledger.proofs import (
    ProofInvalid,
    consistency_proof,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from sidecar.ledger.tiles import TileMissing
from tests.budgets import examples
from tests.unit.ledger.trees import MemoryTiles, grown, leaves, root_by_definition

LEAVES = leaves(700)
_, TILES = grown(LEAVES)
SIZES = st.integers(min_value=1, max_value=len(LEAVES))
OTHER = bytes(32)


@cache
def root(size: int) -> bytes:
    return grown(LEAVES[:size])[0].root()


def path_by_definition(index: int, hashes: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, 2.1.1, word for word."""
    if len(hashes) == 1:
        return []
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if index < k:
        return [*path_by_definition(index, hashes[:k]), root_by_definition(hashes[k:])]
    return [*path_by_definition(index - k, hashes[k:]), root_by_definition(hashes[:k])]


def subproof_by_definition(old_size: int, hashes: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF of RFC 6962, 2.1.2, word for word."""
    if old_size == len(hashes):
        return [] if whole else [root_by_definition(hashes)]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    if old_size <= k:
        return [*subproof_by_definition(old_size, hashes[:k], whole), root_by_definition(hashes[k:])]
    return [*subproof_by_definition(old_size - k, hashes[k:], False), root_by_definition(hashes[:k])]


def altered(proof: list[bytes]) -> list[list[bytes]]:
    """Every way to change, drop, double or swap one element."""
    changes = [[*proof, OTHER], [OTHER, *proof]]
    for place, element in enumerate(proof):
        before, after = proof[:place], proof[place + 1 :]
        flipped = bytes([element[0] ^ 1, *element[1:]])
        changes += [[*before, other, *after] for other in (flipped, element[:31], element + b"\0", b"")]
        changes += [[*before, *after], [*before, element, element, *after]]
    return [*changes, proof[::-1]] if len(set(proof)) > 1 else changes


@example(256, 255)
@example(257, 256)
@example(512, 0)
@example(1, 0)
@given(SIZES, st.integers(min_value=0, max_value=len(LEAVES) - 1))
@settings(max_examples=examples(150))
def test_inclusion_is_proven_and_nothing_else_is(size: int, at: int) -> None:
    index = at % size
    proof = inclusion_proof(TILES.read, index, size)
    assert proof == path_by_definition(index, LEAVES[:size])
    verify_inclusion(LEAVES[index], index, size, proof, root(size))
    wrong = [(LEAVES[index], index, size, other, root(size)) for other in altered(proof)]
    wrong += [
        (OTHER, index, size, proof, root(size)),
        (LEAVES[index], index, size, proof, OTHER),
        (LEAVES[index], index + 1, size, proof, root(size)),
        (LEAVES[index], index - 1, size, proof, root(size)),
        (LEAVES[index], index, index, proof, root(size)),
    ]
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            verify_inclusion(*arguments)


def test_every_leaf_of_every_small_tree_is_proven() -> None:
    for size in range(1, 70):
        for index in range(size):
            verify_inclusion(LEAVES[index], index, size, inclusion_proof(TILES.read, index, size), root(size))


@example(256, 512)
@example(255, 257)
@example(1, 2)
@example(3, 3)
@given(SIZES, SIZES)
@settings(max_examples=examples(150))
def test_consistency_is_proven_and_nothing_else_is(one: int, other: int) -> None:
    old, new = sorted((one, other))
    proof = consistency_proof(TILES.read, old, new)
    assert proof == subproof_by_definition(old, LEAVES[:new])
    verify_consistency(old, root(old), new, root(new), proof)
    wrong = [(old, root(old), new, root(new), changed) for changed in altered(proof)]
    wrong += [(old, OTHER, new, root(new), proof), (old, root(old), new, OTHER, proof)]
    for arguments in wrong:
        with pytest.raises(ProofInvalid):
            verify_consistency(*arguments)


def test_a_proof_has_the_length_that_the_sizes_give_it() -> None:
    """Though the hashes themselves would lead to the right root."""
    sizes = range(1, 9)
    places = [(index, size) for size in sizes for index in range(size)]
    for (index, size), (claimed, claimed_size) in product(places, places):
        proof = inclusion_proof(TILES.read, index, size)
        if len(proof) != len(inclusion_proof(TILES.read, claimed, claimed_size)):
            with pytest.raises(ProofInvalid, match=r"too long|too short"):
                verify_inclusion(LEAVES[index], claimed, claimed_size, proof, root(size))


def test_a_consistency_proof_has_the_length_that_the_sizes_give_it() -> None:
    growths = [(old, new) for new in range(2, 9) for old in range(1, new)]
    for (old, new), (claimed_old, claimed_new) in product(growths, growths):
        proof = consistency_proof(TILES.read, old, new)
        if len(proof) != len(consistency_proof(TILES.read, claimed_old, claimed_new)):
            with pytest.raises(ProofInvalid, match=r"too long|too short"):
                verify_consistency(claimed_old, root(old), claimed_new, root(new), proof)


def test_hashes_cannot_be_cut_elsewhere() -> None:
    """What is hashed is the same, but the leaf and its sibling, or the old root and its, are not hashes."""
    both = LEAVES[0] + LEAVES[1]
    with pytest.raises(ProofInvalid, match="a hash has 32 bytes"):
        verify_inclusion(both[:31], 0, 2, [both[31:]], root(2))
    both = root(2) + LEAVES[2]
    with pytest.raises(ProofInvalid, match="a hash has 32 bytes"):
        verify_consistency(2, both[:31], 3, root(3), [both[31:]])


def test_a_tree_that_was_rewritten_is_not_consistent() -> None:
    rewritten, tiles = grown([OTHER, *LEAVES[1:300]])
    proof = consistency_proof(tiles.read, 200, 300)
    with pytest.raises(ProofInvalid, match="the tree of 200 leaves is not the beginning of that of 300"):
        verify_consistency(200, root(200), 300, rewritten.root(), proof)


def test_every_tree_grows_from_the_empty_one() -> None:
    assert consistency_proof(TILES.read, 0, 7) == []
    verify_consistency(0, EMPTY_ROOT, 7, root(7), [])
    verify_consistency(0, EMPTY_ROOT, 0, EMPTY_ROOT, [])
    with pytest.raises(ProofInvalid, match="0 leaves has another root"):
        verify_consistency(0, OTHER, 7, root(7), [])
    with pytest.raises(ProofInvalid, match="nothing to prove"):
        verify_consistency(0, EMPTY_ROOT, 7, root(7), [OTHER])


def test_a_tree_does_not_shrink() -> None:
    with pytest.raises(ProofInvalid, match="does not grow to 3"):
        verify_consistency(4, root(4), 3, root(3), [])
    with pytest.raises(ValueError, match="does not grow to 3"):
        consistency_proof(TILES.read, 4, 3)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match=f"has no leaf {index}"):
        inclusion_proof(TILES.read, index, size)
    with pytest.raises(ProofInvalid, match=f"has no leaf {index}"):
        verify_inclusion(LEAVES[0], index, size, [], LEAVES[0])


def test_what_reading_tiles_raises_is_raised() -> None:
    with pytest.raises(TileMissing):
        inclusion_proof(MemoryTiles().read, 3, 5)


def test_a_tile_is_read_once_for_a_proof() -> None:
    asked: list[tuple[int, int, int]] = []

    def read(level: int, index: int, width: int) -> bytes:
        asked.append((level, index, width))
        return TILES.read(level, index, width)

    inclusion_proof(read, 600, 700)
    assert sorted(asked) == [(0, 2, 188), (1, 0, 2)]
