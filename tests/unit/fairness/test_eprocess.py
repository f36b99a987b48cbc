from __future__ import annotations

import json
import random
from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.eprocess import (
    ALTERNATIVES,
    BLOCK_LEAST,
    BLOCK_PATIENCE,
    Block,
    BlockBuilder,
    ImpactTest,
    Stakes,
)
from sidecar.fairness.recent import Recent, Suspects

GROUPS = ("a", "b", "c")

Counts = dict[str, tuple[int, int]]

pairs = st.integers(0, 30).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n)))
ticks = st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "other"]), pairs), max_size=60)


def stream(rates: dict[str, float], sizes: dict[str, int], blocks: int, seed: int) -> list[Block]:
    rng = random.Random(seed)
    return [
        {group: (n, sum(rng.random() < rates[group] for _ in range(n))) for group, n in sizes.items()}
        for _ in range(blocks)
    ]


def folded(test: ImpactTest, blocks: list[Block]) -> ImpactTest:
    for block in blocks:
        test.fold(block)
    return test


# Blocks


def test_a_block_closes_when_it_is_large_enough_and_holds_what_was_counted() -> None:
    builder = BlockBuilder(GROUPS)
    assert builder.add({"a": (BLOCK_LEAST - 2, 5)}) is None
    assert builder.add({"b": (1, 1)}) is None
    assert builder.add({"a": (1, 0), "b": (1, 0)}) == {"a": (BLOCK_LEAST - 1, 5), "b": (2, 1)}
    assert builder.add({"a": (1, 0)}) is None


def test_groups_that_are_not_declared_are_left_out() -> None:
    builder = BlockBuilder(("a", "b"))
    assert builder.add({"unknown": (1_000, 500), "a": (BLOCK_LEAST, 5)}) is None
    assert builder.add({"b": (1, 1)}) == {"a": (BLOCK_LEAST, 5), "b": (1, 1)}


def test_one_group_alone_is_no_block_however_large() -> None:
    builder = BlockBuilder(GROUPS)
    assert builder.add({"a": (100_000, 5)}) is None


def test_a_block_waits_for_a_group_that_was_seen_but_not_for_ever() -> None:
    builder = BlockBuilder(GROUPS)
    assert builder.add({"a": (50, 0), "b": (50, 0), "c": (1, 0)}) is not None
    for _ in range(BLOCK_PATIENCE - 1):
        assert builder.add({"a": (BLOCK_LEAST - 1, 0), "b": (1, 0)}) is None
    assert builder.add({"a": (BLOCK_LEAST - 1, 0), "b": (1, 0)}) is not None


def test_blocks_grow_with_what_came_before() -> None:
    builder = BlockBuilder(GROUPS, growth=0.1)
    assert builder.add({"a": (500, 0), "b": (500, 0)}) is not None
    assert builder.add({"a": (98, 0), "b": (1, 0)}) is None
    assert builder.add({"b": (1, 0)}) == {"a": (98, 0), "b": (2, 0)}


@given(ticks, st.data())
def test_blocks_close_by_their_groups_and_never_by_their_outcomes(seen: list[Counts], data: st.DataObject) -> None:
    other = [{group: (n, data.draw(st.integers(0, n))) for group, (n, _) in tick.items()} for tick in seen]
    one_builder, other_builder = BlockBuilder(GROUPS), BlockBuilder(GROUPS)
    for tick, changed in zip(seen, other, strict=True):
        block, twin = one_builder.add(tick), other_builder.add(changed)
        assert (block is None) == (twin is None)
        if block is not None and twin is not None:
            assert [(group, n) for group, (n, _) in block.items()] == [(group, n) for group, (n, _) in twin.items()]


@given(ticks)
def test_every_prediction_is_in_one_block_or_still_open(seen: list[Counts]) -> None:
    builder = BlockBuilder(GROUPS)
    blocks = [block for tick in seen if (block := builder.add(tick)) is not None]
    opened: dict[str, list[int]] = builder.state()["open"]
    for group in GROUPS:
        for part in (0, 1):
            told = sum(tick[group][part] for tick in seen if group in tick)
            assert (
                told == sum(block[group][part] for block in blocks if group in block) + opened.get(group, [0, 0])[part]
            )


@given(ticks, st.integers(0, 60))
def test_a_builder_that_went_through_json_makes_the_same_blocks(seen: list[Counts], cut: int) -> None:
    one = BlockBuilder(GROUPS)
    for tick in seen[:cut]:
        one.add(tick)
    other = BlockBuilder.from_state(json.loads(json.dumps(one.state())))
    assert [one.add(tick) for tick in seen[cut:]] == [other.add(tick) for tick in seen[cut:]]


# The test


def test_it_begins_with_a_wealth_of_one_and_knows_nothing() -> None:
    test = ImpactTest(GROUPS, 1.5)
    assert (test.wealth, test.peak) == (pytest.approx(1.0), 1.0)
    assert (test.certain(0.01), test.warned(), test.favoured, test.disfavoured) == (False, False, None, None)
    assert sum(share for _, share in ALTERNATIVES) == pytest.approx(1.0)


def test_the_first_block_is_only_learnt_from() -> None:
    test = folded(ImpactTest(("a", "b"), 1.5), [{"a": (100, 100), "b": (100, 0)}])
    assert test.wealth == pytest.approx(1.0)


@pytest.mark.parametrize(("favoured", "disfavoured"), [("a", "b"), ("b", "a")])
def test_a_ratio_far_beyond_the_limit_is_certain_soon_whoever_is_favoured(favoured: str, disfavoured: str) -> None:
    blocks = stream({favoured: 0.6, disfavoured: 0.1}, {"a": 30, "b": 30}, 8, seed=1)
    test = folded(ImpactTest(("a", "b"), 1.5), blocks)
    assert (test.warned(), test.favoured, test.disfavoured) == (True, favoured, disfavoured)


def test_what_was_certain_stays_certain() -> None:
    unfair = stream({"a": 0.6, "b": 0.1}, {"a": 30, "b": 10}, 15, seed=2)
    fair = stream({"a": 0.3, "b": 0.6}, {"a": 30, "b": 10}, 60, seed=3)
    test = folded(ImpactTest(("a", "b"), 1.5), unfair)
    peak = test.peak
    assert test.certain(0.01)
    folded(test, fair)
    assert test.wealth < test.peak == peak
    assert (test.certain(0.01), test.favoured) == (True, "a")


def test_a_fair_model_costs_the_test_nothing() -> None:
    """No bets are made while the recent ratio is far from the limit: the wealth is there when it changes."""
    test = folded(ImpactTest(("a", "b"), 1.5), stream({"a": 0.6, "b": 0.6}, {"a": 80, "b": 40}, 100, seed=4))
    assert 0.9 < test.wealth <= test.peak < 1.2
    folded(test, stream({"a": 0.6, "b": 0.2}, {"a": 80, "b": 40}, 30, seed=5))
    assert test.certain(0.01)


def test_one_of_four_groups_is_found_and_named() -> None:
    rates = {"a": 0.6, "b": 0.55, "c": 0.6, "d": 0.2}
    blocks = stream(rates, {"a": 20, "b": 10, "c": 5, "d": 10}, 60, seed=6)
    test = folded(ImpactTest("abcd", 1.5), blocks)
    assert (test.certain(0.01), test.disfavoured) == (True, "d")
    assert test.favoured in {"a", "b", "c"}


@pytest.mark.parametrize("rates", [{"a": 0.6, "b": 0.4}, {"a": 0.4, "b": 0.6}, {"a": 0.15, "b": 0.1}])
@pytest.mark.parametrize("history", [{"a": (30, 30), "b": (30, 0)}, {"a": (40, 30), "b": (20, 3)}])
def test_the_expected_wealth_does_not_rise_while_the_limit_holds(rates: dict[str, float], history: Block) -> None:
    """By enumeration: over all outcomes of two small blocks, after a history that makes it bet."""
    expected = 0.0
    for outcome in product(range(4), range(4), range(4), range(4)):
        k = [outcome[:2], outcome[2:]]
        test = folded(ImpactTest(("a", "b"), 1.5), [history, *({"a": (3, one), "b": (3, other)} for one, other in k)])
        chance = 1.0
        for one, other in k:
            chance *= comb(3, one) * rates["a"] ** one * (1 - rates["a"]) ** (3 - one)
            chance *= comb(3, other) * rates["b"] ** other * (1 - rates["b"]) ** (3 - other)
        expected += chance * test.wealth
    assert 0.1 < expected <= 1 + 1e-9


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(GROUPS, pairs)), max_size=30), st.integers(0, 30))
def test_a_test_that_went_through_json_has_the_same_future(blocks: list[Block], cut: int) -> None:
    one = folded(ImpactTest(GROUPS, 1.25), blocks[:cut])
    other = ImpactTest.from_state(json.loads(json.dumps(one.state(), sort_keys=True)))
    folded(one, blocks[cut:])
    folded(other, blocks[cut:])
    assert one.state() == other.state()


@given(st.lists(st.fixed_dictionaries(dict.fromkeys(GROUPS, pairs)), max_size=30))
def test_the_names_of_groups_do_not_matter(blocks: list[Block]) -> None:
    names = {"a": "x", "b": "y", "c": "z"}
    renamed = [{names[group]: counts for group, counts in block.items()} for block in blocks]
    one, other = folded(ImpactTest(GROUPS, 1.5), blocks), folded(ImpactTest("xyz", 1.5), renamed)
    assert one.peak == other.peak
    assert other.favoured == (None if one.favoured is None else names[one.favoured])


@pytest.mark.parametrize("positive", [0, 10**7])
def test_blocks_of_millions_overflow_nothing(positive: int) -> None:
    block = {"a": (10**7, 10**7), "b": (10**7, positive)}
    test = folded(ImpactTest(("a", "b"), 1.5), [block] * 50)
    assert 0 <= test.wealth < float("inf")
    assert test.certain(0.01) == (positive == 0)


def test_the_reserve_joins_the_stakes_little_by_little() -> None:
    stakes = Stakes(1.5)
    for _ in range(100):
        stakes.bet({}, Recent(), Suspects(1.0, "b", "a"))
    peak, reserve, *staked = stakes.state()
    assert peak == 1.0
    assert reserve == pytest.approx(0.1 * 0.99**100)
    assert sum(staked) == pytest.approx(1 - reserve)
