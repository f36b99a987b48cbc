from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.throttle import HOLDS_LIMIT, Armed, Hold, MemoryThrottle, Released, TokenBucket
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


def test_who_names_no_version_does_not_get_around_one_that_is_throttled() -> None:
    throttle = MemoryThrottle(FixedClock())
    throttle.arm("credit", "2", rate_per_s=1, hold_s=300)
    assert [admitted(throttle, "credit", version) for version in (None, None, "1", "2")] == [True, False, True, False]


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
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    armed = throttle.arm("credit", None, rate_per_s=1, hold_s=60)
    assert armed == Armed("credit", None, 1, 60, clock.unix_s() + 60, 1)
    assert throttle.arm("credit", None, rate_per_s=5, hold_s=600) is None
    assert throttle.armed() == (armed,)


def test_what_is_recorded_of_it() -> None:
    armed = Armed("credit", "3", 0.5, 60.0, 1_060.0, 2)
    assert armed.details() == {
        "model": "credit",
        "version": "3",
        "rate_per_s": 0.5,
        "hold_s": 60.0,
        "until_unix_s": 1_060.0,
        "number": 2,
    }
    released = Released("credit", "3", 2, 1_060.0)
    assert released.details() == {"model": "credit", "version": "3", "number": 2, "until_unix_s": 1_060.0}


def test_each_end_of_a_hold_is_told_once() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    for model in ("credit", "other"):
        throttle.arm(model, None, rate_per_s=1, hold_s=60)
    assert throttle.released() == []
    clock.advance(60)
    ends_s = clock.unix_s()
    assert throttle.released() == [Released("credit", None, 1, ends_s), Released("other", None, 1, ends_s)]
    assert throttle.released() == []


def test_a_hold_doubles_up_to_an_epoch() -> None:
    clock = FixedClock(0.0)
    throttle = MemoryThrottle(clock, epoch_s=1_000)
    holds: list[float] = []
    while clock.unix_s() < 1_000:
        armed = throttle.arm("credit", None, rate_per_s=1, hold_s=300)
        assert armed is not None
        holds.append(armed.hold_s)
        clock.advance(armed.hold_s)
    assert holds == [300, 600, 1_000]


def test_a_hold_longer_than_an_epoch_is_as_long_as_the_policy_says() -> None:
    throttle = MemoryThrottle(FixedClock(), epoch_s=60)
    armed = throttle.arm("credit", None, rate_per_s=1, hold_s=600)
    assert armed is not None
    assert armed.hold_s == 600


@pytest.mark.parametrize("back_s", [30.0, 7 * 86_400.0])
def test_a_clock_that_is_put_back_makes_no_hold_longer_than_it_was_meant(back_s: float) -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    throttle.arm("credit", None, rate_per_s=0.001, hold_s=60)
    clock._unix_s -= back_s
    assert [admitted(throttle), admitted(throttle)] == [True, False]
    clock.advance(60)
    assert [admitted(throttle), admitted(throttle)] == [True, True]


def test_ended_holds_are_forgotten_with_their_epoch() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    throttle.arm("credit", None, rate_per_s=1, hold_s=60)
    clock.advance(86_400)
    throttle.tend(clock.unix_s())
    assert throttle.holds() == []


def test_of_two_holds_on_the_same_the_one_of_greater_rank_is_in_force() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock, replica="b")
    ours = throttle.arm("credit", None, rate_per_s=1, hold_s=60)
    assert ours is not None
    mine = throttle.hold("credit", None)
    assert mine is not None
    for by, is_adopted in (("a", False), ("b", False), ("c", True)):
        theirs = Armed("credit", None, 9, 60, clock.unix_s() + 50, 1)
        throttle.adopt(Hold(theirs, mine.epoch, theirs.until_unix_s, by, is_ours=False))
        assert (throttle.armed() == (theirs,)) is is_adopted
    clock.advance(50)
    assert throttle.released() == [Released("credit", None, 1, clock.unix_s())]


def test_replicas_share_a_rate() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    throttle.share(4)
    throttle.arm("credit", None, rate_per_s=1, hold_s=600)
    assert admitted(throttle)
    with pytest.raises(Refused) as caught:
        throttle.admit("credit", None)
    assert caught.value.retry_after_s == 4
    throttle.share(2)
    clock.advance(2)
    assert admitted(throttle)


def test_a_token_bucket_tells_how_long_to_wait() -> None:
    bucket = TokenBucket(rate_per_s=2.0, now_s=10.0)
    assert [bucket.take(at_s) for at_s in (10.0, 10.0, 10.25, 10.5, 11.0)] == [0.0, 0.5, 0.25, 0.0, 0.0]


def test_the_number_of_armed_models_is_bounded_and_ended_holds_make_room() -> None:
    clock = FixedClock()
    throttle = MemoryThrottle(clock)
    for index in range(HOLDS_LIMIT):
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
