"""What every window store promises: the same tests on those in memory, of workers, and in Redis."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from math import inf, nan
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.fairness.throttle import Armed, Released
from sidecar.fairness.window import WindowTerms
from sidecar.fairness.windows import CAUSES, IDS_KEPT
from sidecar.model.facts import Positive
from sidecar.model.refusal import Refused
from tests.conformance.windows import CREDIT, DAY_S, KINDS, NOON_S, READ, Rig, rig, seen
from tests.servers.redis import RedisServer, require_redis

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Generator[RedisServer]:
    require_redis()
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def url(request: pytest.FixtureRequest, kind: str) -> str | None:
    return request.getfixturevalue("redis").url if kind == "redis" else None


@pytest.fixture
async def one(kind: str, url: str | None) -> AsyncGenerator[Rig]:
    async with rig(kind, url) as made:
        yield made


def told(one: Rig) -> dict[str, Any]:
    return one.window.snapshot(CREDIT, None).as_input()


def observe(one: Rig, times: int, group: str, *, positives: int = 0, score: float = 0.5) -> None:
    for index in range(times):
        one.window.observe(CREDIT, seen(one.clock, group, score, positive=index < positives))


async def disparity(one: Rig, seconds: int = 60) -> None:
    """A group that is favoured four to one, for as many seconds."""
    for _ in range(seconds):
        observe(one, 10, "a", positives=8)
        observe(one, 10, "b", positives=2)
        await one.pass_time(1.0)
    await one.settle()


def admitted(one: Rig, version: str | None = None) -> bool:
    try:
        one.window.admit("credit", version)
    except Refused:
        return False
    return True


async def test_an_empty_window_says_so(one: Rig) -> None:
    state = "insufficient_data"
    unsure = {"ratio": None, "lower": None, "certain": False, "warned": False, "favoured": None, "disfavoured": None}
    await one.settle()
    assert told(one) == {"state": state, "span_s": DAY_S, "groups": {}, "disparate_impact": unsure}


async def test_a_group_has_figures_from_thirty_predictions_on(one: Rig) -> None:
    await one.settle()
    observe(one, 29, "a", positives=12)
    assert (told(one)["state"], told(one)["groups"]) == ("insufficient_data", {})
    observe(one, 1, "a")
    assert told(one)["state"] == "ok"
    assert told(one)["groups"] == {
        "a": {"n": 30, "mean_score": 0.5, "mean_lower": 0.5, "mean_upper": 0.5, "positive_rate": 0.4}
    }


async def test_bounds_hold_the_mean_and_stay_in_range(one: Rig) -> None:
    for index in range(40):
        one.window.observe(CREDIT, seen(one.clock, "a", 1.0 - (index % 10) / 100))
    figures = told(one)["groups"]["a"]
    assert figures["mean_score"] == pytest.approx(0.955, abs=1e-12)
    assert figures["mean_lower"] < 0.955 < figures["mean_upper"] <= 1.0


async def test_the_ratio_is_of_the_highest_to_the_lowest_rate_and_says_whose(one: Rig) -> None:
    observe(one, 40, "a", positives=20)
    observe(one, 60, "b", positives=45)
    impact = told(one)["disparate_impact"]
    assert impact["ratio"] == pytest.approx((45.5 / 61) / (20.5 / 41), rel=1e-12)
    assert (impact["favoured"], impact["disfavoured"]) == ("b", "a")


async def test_a_snapshot_is_of_the_window_as_it_stood(one: Rig) -> None:
    observe(one, 30, "a")
    before = one.window.snapshot(CREDIT, None)
    kept = deepcopy(before)
    observe(one, 5, "a", score=0.9)
    assert before == kept
    assert told(one)["groups"]["a"]["n"] == 35


async def test_a_decision_is_counted_once(one: Rig) -> None:
    observe(one, 29, "a")
    last = seen(one.clock, "a")
    for _ in range(3):
        one.window.observe(CREDIT, last)
    assert told(one)["groups"]["a"]["n"] == 30
    assert one.window.status().ignored["duplicate"] == 2


async def test_it_knows_the_last_decisions_and_forgets_old_ones(one: Rig) -> None:
    first = seen(one.clock, "a")
    one.window.observe(CREDIT, first)
    observe(one, IDS_KEPT - 1, "a")
    one.window.observe(CREDIT, first)
    assert told(one)["groups"]["a"]["n"] == IDS_KEPT
    observe(one, 2 * IDS_KEPT, "b")
    one.window.observe(CREDIT, first)
    assert told(one)["groups"]["a"]["n"] == IDS_KEPT + 1


async def test_released_and_refused_are_told_apart_and_both_counted(one: Rig) -> None:
    observe(one, 20, "a", positives=20)
    for _ in range(15):
        one.window.observe(CREDIT, seen(one.clock, "a", positive=False, released=False))
    assert told(one)["groups"]["a"] == {
        "n": 35, "mean_score": 0.5, "mean_lower": 0.5, "mean_upper": 0.5, "positive_rate": 20 / 35
    }  # fmt: skip
    [group] = one.window.status().watches[0].spans[-1].groups
    assert (group.group, group.n, group.refused) == ("a", 35, 15)


async def test_groups_that_nobody_declared_count_as_unknown(one: Rig) -> None:
    for index in range(1_000):
        one.window.observe(CREDIT, seen(one.clock, f"invented-{index}"))
    for name in ("A", "\u0430", "a ", ""):  # the second is Cyrillic
        one.window.observe(CREDIT, seen(one.clock, name))
    one.window.observe(CREDIT, seen(one.clock)._replace(groups=()))
    assert told(one)["groups"].keys() == {"unknown"}
    assert told(one)["groups"]["unknown"]["n"] == 1_005
    assert told(one)["state"] == "insufficient_data"
    status = one.window.status()
    assert status.unknown_instances == 1_005
    assert [group.group for group in status.watches[0].spans[-1].groups] == ["unknown"]


async def test_instances_are_counted_by_their_own_groups_or_by_one_for_all(one: Rig) -> None:
    many = seen(one.clock)._replace(instances=3, scores=(0.1, 0.2, 0.3), positive=(True, False, True))
    for _ in range(15):
        one.window.observe(CREDIT, many._replace(decision_id=seen(one.clock).decision_id, groups=("a", "b", "a")))
        one.window.observe(CREDIT, many._replace(decision_id=seen(one.clock).decision_id, groups=("b",)))
    groups = told(one)["groups"]
    assert {group: (each["n"], each["positive_rate"]) for group, each in groups.items()} == {
        "a": (30, 1.0),
        "b": (60, 0.5),
    }
    assert groups["a"]["mean_score"] == pytest.approx(0.2, abs=1e-12)


@pytest.mark.parametrize(
    ("cause", "spoilt"),
    [
        ("score_not_finite", {"scores": (nan,)}),
        ("score_not_finite", {"scores": (-inf,)}),
        ("score_out_of_range", {"scores": (1.5,)}),
        ("scores_length", {"scores": (0.5, 0.5)}),
        ("scores_length", {"scores": ()}),
        ("positive_length", {"positive": (True, True)}),
        ("groups_length", {"groups": ("a", "b")}),
        ("instances", {"instances": 0, "scores": (), "positive": (), "groups": ()}),
        ("time", {"unix_s": nan}),
        ("time", {"unix_s": inf}),
        ("time", {"unix_s": -1.0}),
        ("expired", {"unix_s": NOON_S - 2 * DAY_S}),
    ],
)
async def test_what_cannot_be_counted_is_ignored_with_its_cause(one: Rig, cause: str, spoilt: dict[str, Any]) -> None:
    observe(one, 30, "a", positives=10)
    before = told(one)
    one.window.observe(CREDIT, seen(one.clock, "a")._replace(**spoilt))
    assert told(one) == before
    assert one.window.status().ignored == dict.fromkeys(CAUSES, 0) | {cause: 1}


async def test_predictions_leave_the_window_with_time(one: Rig) -> None:
    observe(one, 30, "a")
    await one.pass_time(900)
    observe(one, 40, "b")
    spans = {
        span.span_s: {group.group: group.n for group in span.groups} for span in one.window.status().watches[0].spans
    }
    assert spans == {900: {"b": 40}, DAY_S: {"a": 30, "b": 40}}
    await one.pass_time(DAY_S - 900)
    assert told(one)["groups"].keys() == {"b"}
    await one.pass_time(DAY_S)
    assert told(one)["groups"] == {}
    await one.pass_time(60)
    assert one.window.status().watches == ()


async def test_a_late_prediction_counts_in_its_own_minute(one: Rig) -> None:
    await one.settle()
    for _ in range(30):
        one.window.observe(CREDIT, seen(one.clock)._replace(unix_s=one.clock.unix_s() - 1_200))
    spans = {span.span_s: len(span.groups) for span in one.window.status().watches[0].spans}
    assert spans == {900: 0, DAY_S: 1}


async def test_a_clock_that_jumps_loses_nothing(one: Rig) -> None:
    observe(one, 30, "a")
    await one.pass_time(7_200)
    observe(one, 30, "b")
    await one.pass_time(-7_200)
    observe(one, 10, "a")
    assert {group: each["n"] for group, each in told(one)["groups"].items()} == {"a": 40, "b": 30}


async def test_a_time_of_tomorrow_is_now(one: Rig) -> None:
    one.window.observe(CREDIT, seen(one.clock)._replace(unix_s=one.clock.unix_s() + DAY_S))
    observe(one, 29, "a")
    assert told(one)["groups"]["a"]["n"] == 30
    await one.pass_time(DAY_S + 60)
    assert told(one)["groups"] == {}


async def test_versions_are_watched_apart_and_no_more_than_the_limit(kind: str, url: str | None) -> None:
    async with rig(kind, url, WindowTerms(watches_limit=2)) as one:
        for version in ("1", "2", "3"):
            for _ in range(30):
                one.window.observe(CREDIT, seen(one.clock, version=version))
        states = [one.window.snapshot(CREDIT, version).groups.keys() for version in ("1", "2", "3")]
        assert states == [{"a"}, {"a"}, set()]
        assert one.window.status().ignored["watches_full"] == 30
        await one.pass_time(2 * DAY_S)
        one.window.observe(CREDIT, seen(one.clock, version="3"))
        assert [watch.version for watch in one.window.status().watches] == ["3"]


async def test_a_disparity_becomes_certain_and_its_direction_is_told(one: Rig) -> None:
    await disparity(one)
    impact = told(one)["disparate_impact"]
    assert (impact["certain"], impact["warned"]) == (True, True)
    assert (impact["favoured"], impact["disfavoured"]) == ("a", "b")
    assert impact["lower"] > 1.5


async def test_equal_rates_are_never_certain(one: Rig) -> None:
    for _ in range(60):
        observe(one, 10, "a", positives=6)
        observe(one, 10, "b", positives=6)
        await one.pass_time(1.0)
    await one.settle()
    assert told(one)["disparate_impact"]["certain"] is False


async def test_unknown_groups_are_not_tested(one: Rig) -> None:
    for _ in range(60):
        observe(one, 10, "a", positives=8)
        observe(one, 10, "c", positives=2)
        await one.pass_time(1.0)
    test = one.window.status().watches[0].test
    assert test is not None
    assert (test.wealth, test.certain) == (1.0, False)


async def test_arming_ends_the_test_and_a_fresh_one_begins_when_the_hold_ends(one: Rig) -> None:
    await disparity(one)
    armed = one.window.arm("credit", None, rate_per_s=0.01, hold_s=100)
    assert armed == Armed("credit", None, 0.01, 100.0, one.clock.unix_s() + 100, 1)
    assert told(one)["disparate_impact"]["certain"] is False
    assert one.window.arm("credit", None, rate_per_s=0.01, hold_s=100) is None
    assert [admitted(one), admitted(one)] == [True, False]
    await disparity(one, 60)
    assert told(one)["disparate_impact"]["certain"] is False
    await one.pass_time(100)
    assert one.window.released() == [Released("credit", None, 1, armed.until_unix_s)]
    assert one.window.released() == []
    assert all(admitted(one) for _ in range(5))
    await disparity(one, 60)
    assert told(one)["disparate_impact"]["certain"] is True


async def test_each_arming_of_an_epoch_holds_twice_as_long(one: Rig) -> None:
    holds: list[tuple[int, float]] = []
    for _ in range(3):
        armed = one.window.arm("credit", None, rate_per_s=1, hold_s=100)
        assert armed is not None
        holds.append((armed.number, armed.hold_s))
        await one.pass_time(armed.hold_s)
    await one.pass_time(DAY_S)
    again = one.window.arm("credit", None, rate_per_s=1, hold_s=100)
    assert again is not None
    assert [*holds, (again.number, again.hold_s)] == [(1, 100), (2, 200), (3, 400), (1, 100)]


async def test_an_epoch_begins_with_a_fresh_test_and_keeps_the_window(one: Rig) -> None:
    await disparity(one)
    await one.pass_time(DAY_S / 2)
    found = told(one)
    assert found["disparate_impact"]["certain"] is False
    assert found["disparate_impact"]["ratio"] > 3
    assert found["groups"]["a"]["n"] == 600


async def test_of_a_prediction_that_ends_after_midnight_the_test_knows_nothing(one: Rig) -> None:
    await one.pass_time(DAY_S / 2 + 10)
    late = one.clock.unix_s() - 20
    for group, positives in (("a", 80), ("b", 20)) * 20:
        for index in range(100):
            said = seen(one.clock, group, positive=index < positives)._replace(unix_s=late)
            one.window.observe(CREDIT, said)
    await one.settle()
    test = one.window.status().watches[0].test
    assert test is not None
    assert test.wealth == 1.0
    assert told(one)["groups"]["a"]["n"] == 2_000


async def test_another_limit_is_another_test_in_the_same_window(one: Rig) -> None:
    await disparity(one)
    stricter = replace(CREDIT, disparate_impact_max=1.25)
    found = one.window.snapshot(stricter, None)
    assert found.disparate_impact is not None
    assert found.disparate_impact["certain"] is False
    assert found.groups["a"]["n"] == 600


async def test_another_meaning_of_positive_is_another_window(one: Rig) -> None:
    await disparity(one)
    other = replace(CREDIT, read=replace(READ, positive=None))
    found = one.window.snapshot(other, None)
    assert (found.state, found.groups, found.disparate_impact) == ("insufficient_data", {}, None)


@pytest.mark.parametrize("facts", [replace(CREDIT, disparate_impact_max=None), replace(CREDIT, groups=("a",))])
async def test_without_limit_or_two_groups_there_is_no_ratio(one: Rig, facts: Any) -> None:
    for _ in range(30):
        one.window.observe(facts, seen(one.clock))
    assert one.window.snapshot(facts, None).disparate_impact is None
    assert one.window.status().watches[0].test is None


async def test_a_hold_of_an_earlier_life_goes_on_and_counts(one: Rig) -> None:
    now_s = one.clock.unix_s()
    over = Armed("credit", None, 0.01, 100.0, now_s - 200, 1)
    one.window.restore(over)
    one.window.restore(Released("credit", None, 1, over.until_unix_s))
    one.window.restore(Armed("credit", None, 0.01, 200.0, now_s + 50, 2))
    assert [admitted(one), admitted(one)] == [True, False]
    await one.pass_time(60)
    assert one.window.released() == [Released("credit", None, 2, now_s + 50)]
    armed = one.window.arm("credit", None, rate_per_s=1, hold_s=100)
    assert armed is not None
    assert (armed.number, armed.hold_s) == (3, 400)


async def test_an_earlier_life_told_at_once_is_tested_in_its_own_time(one: Rig) -> None:
    start_s = one.clock.unix_s() - 7_200
    for second in range(7_000):
        for group, positive in (("a", second % 5 > 0), ("b", second % 5 == 0)):
            one.window.observe(CREDIT, seen(one.clock, group, positive=positive)._replace(unix_s=start_s + second))
    await one.settle()
    assert told(one)["disparate_impact"]["certain"] is True
    assert told(one)["groups"]["a"]["n"] == 7_000


async def test_an_answer_of_a_request_before_a_change_of_facts_changes_nothing(one: Rig) -> None:
    changed = replace(CREDIT, read=replace(CREDIT.read, positive=Positive(label="deny")))
    observe(one, 40, "a")
    for _ in range(40):
        one.window.observe(changed, seen(one.clock, "a"))
    one.window.observe(CREDIT, seen(one.clock, "a"))
    assert one.window.status().ignored["former_facts"] == 1
    assert one.window.snapshot(CREDIT, None).groups["a"]["n"] == 40
    assert one.window.snapshot(changed, None).groups["a"]["n"] == 40
