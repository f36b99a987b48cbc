from __future__ import annotations

import pytest

from sidecar.fairness.memory_store import SWEEP_S, MemoryStore
from sidecar.fairness.shared_store import ALIVE_S, Change, Put, kept_s, minute_hash
from tests.support import FixedClock

DAY_S = 86_400


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def store(clock: FixedClock) -> MemoryStore:
    return MemoryStore(clock, DAY_S, DAY_S)


def test_who_is_silent_counts_no_more(store: MemoryStore, clock: FixedClock) -> None:
    store.beat("one")
    clock.advance(ALIVE_S - 1)
    assert store.beat("two").replicas == 2
    clock.advance(1)
    assert store.beat("two").replicas == 1


def test_as_many_as_there_should_be_count_before_they_were_heard(clock: FixedClock) -> None:
    store = MemoryStore(clock, DAY_S, DAY_S, replicas_least=3)
    assert store.beat("one").replicas == 3
    assert [store.beat(name).replicas for name in ("two", "three", "four")] == [3, 3, 4]


def test_another_store_is_of_another_generation(clock: FixedClock) -> None:
    stores = [MemoryStore(clock, DAY_S, DAY_S) for _ in range(2)]
    assert len({store.beat("r").generation for store in stores for _ in range(2)}) == 2


def test_numbers_rise_though_the_clock_goes_back(store: MemoryStore, clock: FixedClock) -> None:
    minute = int(clock.unix_s() // 60)
    numbers = store.put([Put("w", [(minute, "r", b"1")]), Put("w", [(minute, "r", b"2")])])
    clock.advance(-3_600)
    numbers += store.put([Put("w", [(minute, "r", b"3")])])
    assert numbers == sorted(set(numbers))


def test_what_left_the_span_is_forgotten(store: MemoryStore, clock: FixedClock) -> None:
    minute = int(clock.unix_s() // 60)
    store.put([Put("w", [(minute, "r", b"1")])])
    clock.advance(DAY_S + 120)
    store.put([Put("w", [(minute + 1_442, "r", b"2")])])
    assert store.fields([minute_hash("w", minute), minute_hash("w", minute + 1_442)]) == [{}, {"r": b"2"}]


def test_what_nobody_writes_any_more_is_forgotten_and_the_rest_stays(store: MemoryStore, clock: FixedClock) -> None:
    minute = int(clock.unix_s() // 60)
    store.put([Put("gone", [(minute, "r", b"1")])])
    store.replace([Change("holds:1", "f", None, b"1"), Change("holds:2", "f", None, b"1")])
    clock.advance(kept_s(DAY_S, DAY_S) - SWEEP_S)
    store.replace([Change("holds:2", "f", b"1", b"2")])
    clock.advance(SWEEP_S + 1)
    store.beat("r")
    assert store.fields(["holds:1", "holds:2", minute_hash("gone", minute)]) == [{}, {"f": b"2"}, {}]
    assert store.changes([("gone", 0)]) == [[]]


def test_what_is_given_out_can_be_changed_without_harm(store: MemoryStore) -> None:
    store.replace([Change("h", "f", None, b"1")])
    store.fields(["h"])[0]["f"] = b"2"
    assert store.fields(["h"]) == [{"f": b"1"}]
