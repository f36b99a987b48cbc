from __future__ import annotations

import random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.epoch import EpochTest
from sidecar.fairness.throttle import Armed, Hold
from sidecar.fairness.ticks import Counts, Ticks, add

START_S = 1_000_000
FAR_S = START_S + 100_000


def new_test() -> EpochTest:
    return EpochTest(7, START_S, ("a", "b"), 1.5, 0.01)


def disparity(ticks: Ticks, second: int) -> None:
    """Ten predictions of each group in one second; a is favoured four to one."""
    for group, positives in (("a", 8), ("b", 2)):
        for index in range(10):
            ticks.add(second, group, positive=index < positives)


def hold(number: int = 1, ends_s: float = 0.0, epoch: int = 7) -> Hold:
    return Hold(Armed("credit", None, 1.0, 60.0, ends_s, number), epoch, ends_s, "r", is_ours=True)


def taken(test: EpochTest) -> Counts:
    sums: Counts = {}
    for counts in test.state()["taken"].values():
        add(sums, counts)
    return sums


def run(test: EpochTest, ticks: Ticks, until_s: int, held: Hold | None = None) -> None:
    test.contribute("r", ticks, FAR_S)
    test.settle(until_s, held)


def test_seconds_are_taken_in_order_once_they_are_old_enough() -> None:
    test, ticks = new_test(), Ticks()
    for second in range(START_S, START_S + 10):
        disparity(ticks, second)
    run(test, ticks, START_S + 4)
    assert taken(test) == {"a": [40, 32], "b": [40, 8]}
    run(test, ticks, START_S + 4)
    assert taken(test) == {"a": [40, 32], "b": [40, 8]}
    run(test, ticks, START_S + 100)
    assert taken(test) == {"a": [100, 80], "b": [100, 20]}


def test_it_says_whether_there_was_anything_new() -> None:
    test, ticks = new_test(), Ticks()
    disparity(ticks, START_S)
    assert test.contribute("r", ticks, FAR_S) is True
    assert test.contribute("r", ticks, FAR_S) is False
    assert test.settle(START_S, None) is False
    assert test.settle(START_S + 1, None) is True
    assert test.contribute("r", ticks, FAR_S) is False
    assert test.settle(START_S + 2, None) is False


def test_what_comes_late_is_taken_with_the_next() -> None:
    test, ticks = new_test(), Ticks()
    run(test, ticks, START_S + 50)
    disparity(ticks, START_S + 3)
    run(test, ticks, START_S + 50)
    assert taken(test) == {"a": [10, 8], "b": [10, 2]}


def test_what_comes_from_the_future_is_taken_once() -> None:
    test, ticks = new_test(), Ticks()
    disparity(ticks, START_S + 500)
    for now_s in range(START_S, START_S + 600, 10):
        test.contribute("r", ticks, now_s + 2)
        test.settle(now_s - 2, None)
    assert taken(test) == {"a": [10, 8], "b": [10, 2]}


def test_a_replica_that_forgot_counts_on_from_what_it_once_said() -> None:
    test, ticks = new_test(), Ticks()
    disparity(ticks, START_S)
    run(test, ticks, START_S + 5)
    again = Ticks()
    run(test, again, START_S + 6)
    disparity(again, START_S + 10)
    run(test, again, START_S + 20)
    assert taken(test) == {"a": [20, 16], "b": [20, 4]}


def certain_after(seconds: int, held: Hold | None = None) -> EpochTest:
    test, ticks = new_test(), Ticks()
    for second in range(START_S, START_S + seconds):
        disparity(ticks, second)
    run(test, ticks, START_S + seconds, held)
    return test


def test_a_disparity_is_certain_after_enough_of_it() -> None:
    assert certain_after(5).impact.certain(0.01) is False
    assert certain_after(60).impact.certain(0.01) is True


def test_nothing_is_tested_before_a_hold_ends() -> None:
    held = certain_after(60, hold(ends_s=START_S + 60))
    assert (held.impact.wealth, taken(held)["a"]) == (1.0, [600, 480])
    assert certain_after(120, hold(ends_s=START_S + 60)).state() != certain_after(120).state()
    assert certain_after(120, hold(ends_s=START_S + 60)).impact.certain(0.01) is True


def test_late_counts_are_not_tested_during_a_hold() -> None:
    test, ticks = new_test(), Ticks()
    run(test, ticks, START_S + 50)
    for _ in range(60):
        disparity(ticks, START_S)
    run(test, ticks, START_S + 55, hold(ends_s=START_S + 60))
    assert (test.impact.wealth, taken(test)["a"]) == (1.0, [600, 480])


def test_each_arming_begins_a_test_once() -> None:
    test = certain_after(60)
    assert test.heed(None) is False
    assert test.heed(hold(number=1)) is True
    assert test.impact.certain(0.01) is False
    assert [test.heed(hold(number=number)) for number in (1, 2, 1)] == [False, True, False]


def test_an_arming_of_an_earlier_epoch_changes_nothing() -> None:
    test = certain_after(60)
    assert test.heed(hold(number=9, epoch=6)) is False
    assert test.impact.certain(0.01) is True


def test_it_goes_through_json_unchanged() -> None:
    test, ticks = new_test(), Ticks()
    for second in range(START_S, START_S + 30):
        disparity(ticks, second)
    run(test, ticks, START_S + 20, hold(number=2))
    disparity(ticks, START_S + 1)
    test.contribute("r", ticks, FAR_S)
    test.contribute("other", ticks, FAR_S)
    copied = EpochTest.from_state(orjson.loads(orjson.dumps(test.state())))
    assert copied.state() == test.state()
    for each in (test, copied):
        each.settle(START_S + 100, None)
    assert copied.state() == test.state()


@pytest.mark.parametrize(
    "member", ["number", "groups", "taken", "waiting", "late", "builder", "impact", "bound", "arming"]
)
def test_a_state_that_lacks_something_is_told(member: str) -> None:
    state = new_test().state()
    del state[member]
    with pytest.raises(KeyError):
        EpochTest.from_state(state)


@given(
    told=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.sampled_from("ab"), st.booleans()), max_size=200),
    seed=st.integers(0, 1_000),
)
def test_whoever_takes_it_on_everything_is_taken_once(told: list[tuple[int, int, str, bool]], seed: int) -> None:
    """Four replicas step the same state in any order, some of the steps get lost, and some states come back old."""
    chance = random.Random(seed)
    replicas = [Ticks() for _ in range(4)]
    state, expected = new_test().state(), Ticks()
    for replica, second, group, positive in told:
        replicas[replica].add(START_S + second, group, positive)
        expected.add(START_S + second, group, positive)
        test = EpochTest.from_state(state)
        test.contribute(f"r{replica}", replicas[replica], START_S + 20)
        test.settle(START_S + chance.randrange(40), None)
        if chance.random() < 0.7:
            state = test.state()
    test = EpochTest.from_state(state)
    for index, ticks in enumerate(replicas):
        test.contribute(f"r{index}", ticks, FAR_S)
    test.settle(FAR_S, None)
    assert taken(test) == expected.totals
