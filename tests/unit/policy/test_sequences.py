from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.facts import BundleFacts
from sidecar.policy.sequences import RolledBack, Sequences


def bundles(**sequences: int | None) -> dict[str, BundleFacts]:
    return {name: BundleFacts(f"{name}-{sequence}", sequence=sequence) for name, sequence in sequences.items()}


SEEN = Sequences({"data": 20, "policy": 7})


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (bundles(data=20, policy=7), ()),
        (bundles(data=21, policy=8, other=1), ()),
        (bundles(data=20, policy=7, other=None), ()),
        (bundles(data=19, policy=8), (RolledBack("data", 19, 20),)),
        (bundles(data=None, policy=0), (RolledBack("data", None, 20), RolledBack("policy", 0, 7))),
    ],
)
def test_lower_or_none_is_a_rollback(told: dict[str, BundleFacts], expected: tuple[RolledBack, ...]) -> None:
    assert SEEN.rolled_back(told, told) == expected


def test_an_active_bundle_of_which_nothing_is_told_has_no_sequence() -> None:
    assert SEEN.rolled_back({"data", "other"}, {}) == (RolledBack("data", None, 20),)


def test_a_bundle_that_is_not_there_is_no_rollback_and_is_not_forgotten() -> None:
    assert SEEN.rolled_back({"policy"}, bundles(policy=8)) == ()
    assert SEEN.raised_by(bundles(policy=8)).highest == {"data": 20, "policy": 8}


def test_raising_leaves_what_was_seen_as_it_is() -> None:
    assert SEEN.raised_by(bundles(policy=9, new=1, unnumbered=None)).highest == {"data": 20, "policy": 9, "new": 1}
    assert SEEN.highest == {"data": 20, "policy": 7}


def test_what_is_told_of_a_rollback_has_its_remedy() -> None:
    remedy = "after 20; publish it under a new sequence"
    assert str(RolledBack("data", 19, 20)) == f"bundle data: rolled back to sequence 19 {remedy}"
    assert str(RolledBack("data", None, 20)) == f"bundle data: rolled back to no sequence {remedy}"


@given(st.lists(st.integers(0, 9)))
def test_whatever_comes_in_whatever_order_the_highest_only_rises(published: list[int]) -> None:
    seen, admitted = Sequences(), [-1]
    for sequence in published:
        told = bundles(data=sequence)
        assert bool(seen.rolled_back(told, told)) is (sequence < max(admitted))
        if not seen.rolled_back(told, told):
            seen = seen.raised_by(told)
            admitted.append(sequence)
            assert seen.highest == {"data": max(admitted)}
