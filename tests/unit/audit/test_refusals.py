from __future__ import annotations

from sidecar.audit.refusals import UNLIMITED, Quota, RefusalLimiter, Summary
from tests.support import FixedClock

NOW_NS = 1_795_300_000_000_000_000


def test_so_many_a_second_are_admitted_and_the_rest_is_counted_by_reason() -> None:
    clock = FixedClock()
    limiter = RefusalLimiter(clock, UNLIMITED, singly_per_s=2)
    assert [limiter.admit(["a", "b"]) for _ in range(4)] == [True, True, False, False]
    assert (limiter.due(), limiter.summarised_total) == (False, 2)
    clock.advance(1)
    assert limiter.due()
    assert [limiter.admit(["b"]) for _ in range(3)] == [True, True, False]
    assert limiter.take() == Summary(NOW_NS, NOW_NS + 1_000_000_000, 3, {"a": 2, "b": 3})
    assert (limiter.take(), limiter.due(), limiter.summarised_total) == (None, False, 3)


def test_nothing_is_due_where_nothing_was_counted() -> None:
    clock = FixedClock()
    limiter = RefusalLimiter(clock, UNLIMITED)
    assert all(limiter.admit(["a"]) for _ in range(100))
    clock.advance(5)
    assert (limiter.due(), limiter.take()) == (False, None)


def test_reasons_beyond_the_bound_count_as_other() -> None:
    limiter = RefusalLimiter(FixedClock(), UNLIMITED, singly_per_s=0)
    for number in range(300):
        limiter.admit([f"code_{number}"])
    limiter.admit(["code_0"])
    summary = limiter.take()
    assert summary is not None
    assert (len(summary.reasons), summary.reasons["other"], summary.reasons["code_0"]) == (257, 44, 2)


def test_beyond_their_quota_of_disk_refusals_are_counted_only_until_it_has_refilled() -> None:
    clock = FixedClock()
    limiter = RefusalLimiter(clock, Quota(bytes_per_s=10, burst_bytes=1_000))
    assert limiter.admit(["a"])
    limiter.spend(1_200)  # a record's size is known when it is made: the quota may be overdrawn once
    clock.advance(20)
    assert not limiter.admit(["a"])
    clock.advance(1)
    assert limiter.admit(["a"])
    clock.advance(1_000_000)
    assert limiter.admit(["a"])
    limiter.spend(1_000)
    assert not limiter.admit(["a"])  # a long rest saves up no more than the burst


def test_what_could_not_be_recorded_counts_for_the_next_summary() -> None:
    clock = FixedClock()
    limiter = RefusalLimiter(clock, UNLIMITED, singly_per_s=0)
    limiter.admit(["a"])
    clock.advance(1)
    summary = limiter.take()
    assert summary == Summary(NOW_NS, NOW_NS + 1_000_000_000, 1, {"a": 1})
    limiter.give_back(summary)
    limiter.admit(["a", "b"])
    assert not limiter.due()
    clock.advance(1)
    assert limiter.due()
    assert limiter.take() == Summary(NOW_NS, NOW_NS + 2_000_000_000, 2, {"a": 2, "b": 1})
    assert limiter.summarised_total == 2
