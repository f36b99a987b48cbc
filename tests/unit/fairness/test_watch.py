from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sidecar.fairness.throttle import Armed, Hold
from sidecar.fairness.watch import Watch
from sidecar.fairness.window import WindowTerms
from tests.conformance.windows import CREDIT, DAY_S, NOON_S, seen
from tests.support import FixedClock

if TYPE_CHECKING:
    from sidecar.model.facts import ModelFacts

EPOCH = int(NOON_S // DAY_S)


def watch(facts: ModelFacts = CREDIT, ticks_kept_s: int = 0) -> Watch:
    made = Watch(facts, None, "r", WindowTerms(), ticks_kept_s)
    made.turn(NOON_S, None, is_alone=True)
    return made


def observe(made: Watch, at_s: float, now_s: float | None = None, group: str = "a", times: int = 1) -> None:
    for _ in range(times):
        made.observe(seen(FixedClock(at_s), group), at_s, at_s if now_s is None else now_s)


@pytest.mark.parametrize(
    ("now_s", "epoch"),
    [
        (NOON_S + DAY_S, EPOCH + 1),
        (NOON_S + 400 * DAY_S, EPOCH + 400),
        (NOON_S - DAY_S, EPOCH),  # over the epoch's beginning and back
        (NOON_S - 2 * DAY_S, EPOCH - 2),  # a clock that was days off
    ],
)
def test_the_epoch_goes_with_the_clock_and_back_only_for_days(now_s: float, epoch: int) -> None:
    made = watch()
    made.turn(now_s, None, is_alone=True)
    assert made.epoch == epoch
    assert made.test is not None
    assert made.test.number == epoch


def test_a_clock_that_is_put_back_over_midnight_goes_on_with_the_test() -> None:
    made = watch()
    midnight_s = NOON_S + DAY_S / 2
    made.turn(midnight_s + 5, None, is_alone=True)
    test = made.test
    made.turn(midnight_s - 60, None, is_alone=True)
    observe(made, midnight_s - 60)
    assert made.test is test
    assert made.ticks.totals == {"a": [1, 1]}


def test_a_prediction_of_the_last_epoch_is_counted_and_not_tested() -> None:
    made = watch()
    midnight_s = NOON_S + DAY_S / 2
    made.turn(midnight_s + 5, None, is_alone=True)
    observe(made, midnight_s - 1, midnight_s + 5)
    assert made.ticks.totals == {}
    assert made.buckets.sums()["a"].n == 1


def test_it_tells_how_many_instances_were_of_unknown_groups() -> None:
    made = watch()
    said = seen(FixedClock(NOON_S))._replace(instances=3, groups=("a", "x", "y"), scores=None, positive=(True,) * 3)
    assert made.observe(said, NOON_S, NOON_S) == 2
    assert made.unpushed == {int(NOON_S // 60)}
    assert made.ticks.totals == {"a": [1, 1]}


@pytest.mark.parametrize(("kept_s", "seconds"), [(0, 3), (60, 63)])
def test_seconds_are_kept_as_long_as_others_may_need_them(kept_s: int, seconds: int) -> None:
    made = watch(ticks_kept_s=kept_s)
    for second in range(200):
        made.turn(NOON_S + second, None, is_alone=True)
        observe(made, NOON_S + second)
    assert len(made.ticks.seconds) == seconds
    assert made.ticks.totals == {"a": [200, 200]}


def test_a_replica_that_is_not_alone_leaves_its_test_to_the_store() -> None:
    made = watch()
    observe(made, NOON_S, times=50)
    made.turn(NOON_S + 10, None, is_alone=False)
    assert made.test is not None
    assert made.test.state()["taken"] == {}


def test_the_same_facts_again_change_nothing() -> None:
    made = watch()
    observe(made, NOON_S, times=40)
    before = made.snapshot(is_degraded=False)
    made.heed(replace(CREDIT))
    made.heed(replace(CREDIT, risk_tier="high"))
    assert made.snapshot(is_degraded=False) == before


def test_another_group_is_another_test_and_counts_from_now_on() -> None:
    made = watch()
    observe(made, NOON_S, group="c", times=40)
    made.heed(replace(CREDIT, groups=("a", "b", "c")))
    observe(made, NOON_S, group="c", times=30)
    groups = made.snapshot(is_degraded=False).groups
    assert {group: each["n"] for group, each in groups.items()} == {"unknown": 40, "c": 30}
    assert made.ticks.totals == {"c": [30, 30]}


@pytest.mark.parametrize(("is_degraded", "state"), [(False, "ok"), (True, "degraded")])
def test_too_little_is_said_before_degraded(is_degraded: bool, state: str) -> None:
    made = watch()
    observe(made, NOON_S, times=29)
    observe(made, NOON_S, group="undeclared", times=30)
    assert made.snapshot(is_degraded=is_degraded).state == "insufficient_data"
    observe(made, NOON_S)
    assert made.snapshot(is_degraded=is_degraded).state == state


def test_where_no_group_is_declared_there_is_never_enough() -> None:
    made = watch(replace(CREDIT, groups=()))
    observe(made, NOON_S, times=100)
    assert made.snapshot(is_degraded=False).state == "insufficient_data"


def test_it_is_idle_when_nothing_is_kept_and_nobody_looks() -> None:
    made = watch()
    made.looked_at_s = NOON_S
    assert [made.is_idle(NOON_S + later_s) for later_s in (0, 59, 60)] == [False, False, True]
    observe(made, NOON_S)
    assert not made.is_idle(NOON_S + 600)


def test_its_status_has_the_test_and_the_throttle() -> None:
    made = watch()
    observe(made, NOON_S, times=30)
    armed = Armed("credit", None, 1.0, 60.0, NOON_S + 60, 1)
    made.heed_hold(Hold(armed, EPOCH, armed.until_unix_s, "r", is_ours=True))
    status = made.status(NOON_S, armed, is_degraded=False)
    assert (status.model, status.version, status.state, status.armed, status.buckets) == (
        "credit",
        None,
        "ok",
        armed,
        1,
    )
    assert [span.span_s for span in status.spans] == [900, DAY_S]
    assert status.test is not None
    assert (status.test.limit, status.test.epoch, status.test.wealth) == (1.5, EPOCH, 1.0)
