from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sidecar.ledger.merkle import EMPTY_ROOT, TILE_WIDTH, Tile, Tree, leaf_hash, merkle_root, node_hash
from sidecar.ledger.tiles import TileMissing
from tests.budgets import examples
from tests.unit.ledger.trees import MemoryTiles, grown, leaves, root_by_definition

LEAVES = leaves(1_000)
SIZES = st.integers(min_value=0, max_value=len(LEAVES))


def test_leaves_and_nodes_are_told_apart_by_a_first_byte() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(b"record") == sha256(b"\0record").digest()
    assert node_hash(left, right) == sha256(b"\1" + left + right).digest()


@example(0)
@example(TILE_WIDTH - 1)
@example(TILE_WIDTH)
@example(TILE_WIDTH + 1)
@example(3 * TILE_WIDTH)
@given(SIZES)
@settings(max_examples=examples(60))
def test_the_root_is_that_of_the_definition(size: int) -> None:
    tree, _ = grown(LEAVES[:size])
    assert tree.root() == root_by_definition(LEAVES[:size])


def test_the_root_can_be_asked_for_at_any_time() -> None:
    tree = Tree()
    roots = [tree.root()]
    for leaf in LEAVES[:300]:
        tree.append(leaf)
        roots.append(tree.root())
    assert roots == [root_by_definition(LEAVES[:size]) for size in range(301)]


def test_an_empty_tree() -> None:
    tree = Tree()
    assert (tree.size, tree.root(), tree.partial_tiles()) == (0, EMPTY_ROOT, [])


def test_full_tiles_are_handed_over_once_each_a_lower_level_first() -> None:
    told: list[Tile] = []
    tree = Tree(told.append)
    for leaf in LEAVES[:600]:
        tree.append(leaf)
    first, second = b"".join(LEAVES[:256]), b"".join(LEAVES[256:512])
    above = root_by_definition(LEAVES[:256]) + root_by_definition(LEAVES[256:512])
    assert told == [Tile(0, 0, first), Tile(0, 1, second)]
    assert tree.partial_tiles() == [Tile(0, 2, b"".join(LEAVES[512:600])), Tile(1, 0, above)]


def test_the_tiles_of_the_specification_s_example() -> None:
    """C2SP tlog-tiles: a tree of 70,000."""
    told: list[Tile] = []
    tree = Tree(told.append)
    for leaf in leaves(70_000):
        tree.append(leaf)
    assert sorted((tile.level, tile.index) for tile in told) == [*((0, index) for index in range(273)), (1, 0)]
    assert {tile.width for tile in told} == {256}
    assert [(tile.level, tile.index, tile.width) for tile in tree.partial_tiles()] == [
        (0, 273, 112),
        (1, 1, 17),
        (2, 0, 1),
    ]
    # A tile is handed over when its last leaf comes, the one above right after it.
    assert [(tile.level, tile.index) for tile in told[255:258]] == [(0, 255), (1, 0), (0, 256)]


def test_a_full_level_0_leaves_no_partial_tile_there() -> None:
    tree, _ = grown(LEAVES[:256])
    assert tree.partial_tiles() == [Tile(1, 0, root_by_definition(LEAVES[:256]))]


@example(TILE_WIDTH, TILE_WIDTH)
@example(TILE_WIDTH - 1, 2)
@example(0, 1)
@given(SIZES, SIZES)
@settings(max_examples=examples(60))
def test_a_restored_tree_goes_on_as_if_it_had_never_stopped(stop: int, more: int) -> None:
    end = min(stop + more, len(LEAVES))
    _, before = grown(LEAVES[:stop])
    after = MemoryTiles()
    tree = Tree.restore(stop, before.read, after.keep)
    assert (tree.size, tree.root()) == (stop, root_by_definition(LEAVES[:stop]))
    for leaf in LEAVES[stop:end]:
        tree.append(leaf)
    for tile in tree.partial_tiles():
        after.keep(tile)
    straight, tiles = grown(LEAVES[:end])
    assert (tree.size, tree.root(), tree.partial_tiles()) == (end, straight.root(), straight.partial_tiles())
    assert before.tiles | after.tiles == tiles.tiles


def test_restoring_reads_the_right_edge_only() -> None:
    asked: list[tuple[int, int, int]] = []

    def read(level: int, index: int, width: int) -> bytes:
        asked.append((level, index, width))
        return bytes(32 * width)

    tree = Tree.restore(3 * 65_536 + 2, read)
    assert asked == [(0, 768, 2), (2, 0, 3)]
    assert [(tile.level, tile.index, tile.width) for tile in tree.partial_tiles()] == asked


def test_restoring_raises_what_reading_raises() -> None:
    with pytest.raises(TileMissing):
        Tree.restore(5, MemoryTiles().read)


def test_restoring_refuses_a_tile_of_another_width() -> None:
    with pytest.raises(ValueError, match="5 hashes"):
        Tree.restore(5, lambda *_: bytes(4 * 32))


def test_what_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        Tree().append(bytes(31))
    for wrong in (b"", bytes(33)):
        with pytest.raises(ValueError, match=f"{len(wrong)} bytes"):
            merkle_root(wrong)
