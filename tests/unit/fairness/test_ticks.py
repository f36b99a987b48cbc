from __future__ import annotations

from sidecar.fairness.ticks import Ticks, add, copied


def test_counts_by_second_and_all_together() -> None:
    ticks = Ticks()
    for second, group, positive in ((5, "a", True), (5, "a", False), (5, "b", True), (7, "a", True)):
        ticks.add(second, group, positive)
    assert ticks.totals == {"a": [3, 2], "b": [1, 1]}
    assert ticks.seconds == {5: {"a": [2, 1], "b": [1, 1]}, 7: {"a": [1, 1]}}


def test_what_is_forgotten_by_second_is_still_in_the_totals() -> None:
    ticks = Ticks()
    for second in range(10):
        ticks.add(second, "a", positive=True)
    ticks.forget(before=8)
    assert ticks.seconds.keys() == {8, 9}
    assert ticks.totals == {"a": [10, 10]}


def test_counts_are_added_and_taken_away_by_group() -> None:
    counts = {"a": [3, 2]}
    add(counts, {"a": [1, 1], "b": [2, 0]})
    assert counts == {"a": [4, 3], "b": [2, 0]}
    add(counts, {"a": [4, 3], "c": [1, 1]}, sign=-1)
    assert counts == {"a": [0, 0], "b": [2, 0], "c": [-1, -1]}


def test_a_copy_has_lists_of_its_own() -> None:
    counts = {"a": [1, 0]}
    add(copied(counts), {"a": [1, 1]})
    assert counts == {"a": [1, 0]}
