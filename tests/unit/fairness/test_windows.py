"""What the window in memory adds to what every store promises (tests/conformance/test_windows.py)."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.throttle import Armed, Hold
from sidecar.fairness.window import Observation, WindowTerms
from sidecar.fairness.windows import CAUSES, SECONDS_LIMIT, MemoryWindow
from tests.conformance.windows import CREDIT, DAY_S, NOON_S, seen
from tests.support import FixedClock

junk = st.builds(
    Observation,
    decision_id=st.text(max_size=4),
    model=st.just("credit"),
    version=st.none(),
    unix_s=st.floats() | st.floats(NOON_S - DAY_S, NOON_S + DAY_S),
    groups=st.lists(st.sampled_from(["a", "b", "c", ""]), max_size=3).map(tuple),
    scores=st.none() | st.lists(st.floats() | st.floats(0, 1), max_size=3).map(tuple),
    positive=st.none() | st.lists(st.booleans(), max_size=3).map(tuple),
    instances=st.integers(-1, 3),
    released=st.booleans(),
)


@given(st.lists(junk, max_size=40))
def test_whatever_it_is_told_it_stays_whole(told: list[Observation]) -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    for each in told:
        window.observe(CREDIT, each)
    status = window.status()
    assert set(status.ignored) == set(CAUSES)
    counted = len(told) - sum(status.ignored.values())
    assert counted <= len({each.decision_id for each in told})
    for watch in status.watches:
        for group in watch.spans[-1].groups:
            assert group.group in {"a", "b", "unknown"}
            assert group.mean is None or 0 <= group.mean <= 1
            assert group.positive_rate is None or 0 <= group.positive_rate <= 1


def test_memory_is_bounded_by_minutes_and_groups_not_by_predictions() -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock, WindowTerms(spans_s=(900,)))
    for _ in range(60 * 60):
        window.observe(CREDIT, seen(clock, "a"))
        clock.advance(1)
    [watch] = window.status().watches
    assert watch.buckets == 14  # and the current minute, in which nothing came yet


def test_invented_groups_cost_no_memory() -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    told = [seen(clock, f"invented-{index}") for index in range(5_000)]
    window.observe(CREDIT, seen(clock, "another"))
    tracemalloc.start()
    try:
        for each in told:
            window.observe(CREDIT, each)
        grown, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert grown < 1_000_000  # the ids of decisions
    assert window.status().unknown_instances == 5_001


def test_seconds_that_wait_are_bounded() -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    for second in range(5 * SECONDS_LIMIT):
        window.observe(CREDIT, seen(clock)._replace(unix_s=NOON_S - 10_000 + second))
    [watch] = window.watches()
    assert len(watch.ticks.seconds) <= SECONDS_LIMIT


def test_a_throttle_of_others_ends_the_test_too() -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    for _ in range(60):
        for group, positive in (("a", True), ("b", False)):
            for _ in range(5):
                window.observe(CREDIT, seen(clock, group, positive=positive))
        clock.advance(1)
        window.tend()
    impact = window.snapshot(CREDIT, None).disparate_impact
    assert impact is not None
    assert impact["certain"] is True
    theirs = Armed("credit", None, 1.0, 60.0, clock.unix_s() + 60, 1)
    window.adopt(Hold(theirs, int(clock.unix_s() // DAY_S), theirs.until_unix_s, "other", is_ours=False))
    impact = window.snapshot(CREDIT, None).disparate_impact
    assert impact is not None
    assert (impact["certain"], impact["warned"], impact["lower"]) == (False, False, None)
    assert window.status().watches[0].armed == theirs


def test_time_may_be_told_instead_of_read() -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    window.observe(CREDIT, seen(clock))
    window.arm("credit", None, rate_per_s=1, hold_s=60)
    window.tend(NOON_S + 2 * DAY_S)
    assert len(window.released()) == 1
    assert list(window.watches()) == []


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_throttle_is_shown_with_its_own_watch(version: str) -> None:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock)
    for each in ("1", "2"):
        window.observe(CREDIT, seen(clock, version=each))
    armed = window.arm("credit", version, rate_per_s=1, hold_s=60)
    assert [watch.armed for watch in window.status().watches if watch.version == version] == [armed]
    assert [watch.armed for watch in window.status().watches if watch.version != version] == [None]
