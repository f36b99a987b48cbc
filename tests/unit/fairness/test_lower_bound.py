from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.fairness.lower_bound import LIMITS, LowerBound
from tests.budgets import examples

if TYPE_CHECKING:
    from sidecar.fairness.eprocess import Block

GROUPS = ("a", "b")


def stream(low: float, high: float, blocks: int, seed: int) -> list[Block]:
    rng = random.Random(seed)
    return [
        {
            "a": (80, sum(rng.random() < high for _ in range(80))),
            "b": (20, sum(rng.random() < low for _ in range(20))),
        }
        for _ in range(blocks)
    ]


def bounds(blocks: list[Block], bound: LowerBound) -> list[float | None]:
    """What it was after each block."""
    found: list[float | None] = []
    for block in blocks:
        bound.fold(block)
        found.append(bound.lower)
    return found


def test_the_grid_goes_from_parity_to_two_and_a_half() -> None:
    assert (LIMITS[0], LIMITS[1], LIMITS[10], LIMITS[-1], len(LIMITS)) == (1.0, 1.05, 1.5, 2.5, 31)


def test_it_begins_with_no_bound() -> None:
    assert LowerBound(GROUPS, 0.01).lower is None


def test_it_rises_towards_the_true_ratio_and_never_falls() -> None:
    found = [one or 0.0 for one in bounds(stream(0.3, 0.6, 200, seed=1), LowerBound(GROUPS, 0.01))]
    assert found == sorted(found)
    assert 1.5 <= found[-1] < 2.0
    assert len(set(found)) > 3


def test_a_ratio_beyond_the_grid_has_its_end_for_a_bound() -> None:
    assert bounds(stream(0.02, 0.9, 100, seed=2), LowerBound(GROUPS, 0.01))[-1] == LIMITS[-1]


def test_of_equal_groups_it_says_nothing() -> None:
    wrong = sum(bounds(stream(0.5, 0.5, 60, seed), LowerBound(GROUPS, 0.05))[-1] is not None for seed in range(40))
    assert wrong <= 4


def test_a_smaller_alpha_says_no_more() -> None:
    blocks = stream(0.35, 0.6, 100, seed=3)
    careful, bold = bounds(blocks, LowerBound(GROUPS, 0.001)), bounds(blocks, LowerBound(GROUPS, 0.1))
    assert all((one or 0) <= (other or 0) for one, other in zip(careful, bold, strict=True))
    assert careful[-1] != bold[-1]


@settings(max_examples=examples(25))
@given(st.integers(0, 60), st.integers(0, 1_000))
def test_a_bound_that_went_through_json_has_the_same_future(cut: int, seed: int) -> None:
    blocks = stream(0.25, 0.6, 60, seed)
    one = LowerBound(GROUPS, 0.01)
    bounds(blocks[:cut], one)
    other = LowerBound.from_state(json.loads(json.dumps(one.state(), sort_keys=True)))
    assert other.lower == one.lower
    assert bounds(blocks[cut:], one) == bounds(blocks[cut:], other)
    assert one.state() == other.state()
