from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.throttle import BUCKETS_LIMIT, MemoryThrottle
from sidecar.model.refusal import Refused
from tests.support import FixedClock


def admitted(throttle: MemoryThrottle, model: str = "credit", version: str | None = None) -> bool:
    try:
        throttle.admit(model, version)
    except Refused:
        return False
    return True


def test_an_unarmed_throttle_admits_everything() -> None:
    throttle = MemoryThrottle(FixedClock())
    assert all(admitted(throttle) for _ in range(1_000))


def test_an_armed_throttle_refuses_with_the_time_to_wait() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    assert throttle.arm("credit", None, rate_per_s=0.25, hold_s=300)
    assert admitted(throttle)
    with pytest.raises(Refused) as caught:
        throttle.admit("credit", None)
    assert [reason.code for reason in caught.value.reasons] == ["model_throttled"]
    assert caught.value.retry_after_s == 4
    clock.advance(4)
    assert admitted(throttle)


def test_it_holds_for_its_model_and_version_only() -> None:
    throttle = MemoryThrottle(FixedClock())
    throttle.arm("credit", "2", rate_per_s=1, hold_s=300)
    assert [admitted(throttle, "credit", "2") for _ in range(2)] == [True, False]
    assert [admitted(throttle, "credit", "1") for _ in range(2)] == [True, True]
    assert [admitted(throttle, "other", "2") for _ in range(2)] == [True, True]


def test_one_for_the_whole_model_meets_every_version_however_it_is_spelt() -> None:
    throttle = MemoryThrottle(FixedClock())
    throttle.arm("credit", None, rate_per_s=1, hold_s=300)
    assert admitted(throttle, "credit", "1")
    assert [admitted(throttle, "credit", version) for version in (None, "1", "01", "2")] == [False] * 4


def test_it_is_released_at_the_end_of_its_hold() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    throttle.arm("credit", None, rate_per_s=0.001, hold_s=60)
    assert [admitted(throttle) for _ in range(2)] == [True, False]
    clock.advance(60)
    assert all(admitted(throttle) for _ in range(10))


def test_arming_twice_is_one_hold() -> None:
    throttle = MemoryThrottle(FixedClock())
    assert throttle.arm("credit", None, rate_per_s=1, hold_s=60)
    assert not throttle.arm("credit", None, rate_per_s=1, hold_s=60)


def test_the_number_of_armed_models_is_bounded_and_ended_holds_make_room() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    for index in range(BUCKETS_LIMIT):
        throttle.arm(f"m{index}", None, rate_per_s=1, hold_s=60)
    with pytest.raises(Refused) as caught:
        throttle.arm("one more", None, rate_per_s=1, hold_s=60)
    assert [reason.code for reason in caught.value.reasons] == ["overloaded"]
    clock.advance(60)
    assert throttle.arm("one more", None, rate_per_s=1, hold_s=60)


@given(
    rate=st.floats(min_value=0.01, max_value=100),
    steps_s=st.lists(st.floats(min_value=0, max_value=5), max_size=50),
)
def test_no_more_pass_than_the_rate_and_one_burst_allow(rate: float, steps_s: list[float]) -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    throttle.arm("credit", None, rate_per_s=rate, hold_s=1e9)
    passed = 0
    for step_s in steps_s:
        clock.advance(step_s)
        passed += admitted(throttle)
    assert passed <= 1 + rate * sum(steps_s) + 1e-6
