from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.fairness.buckets import Buckets, first_minute
from sidecar.fairness.cells import Cell

DAY_S = 86_400
NOW_S = 1_795_300_020.0
MINUTE = int(NOW_S // 60)


def buckets(span_s: int = DAY_S) -> Buckets:
    made = Buckets("r", span_s)
    made.turn(NOW_S)
    return made


def counted(made: Buckets) -> dict[str, int]:
    return {group: tally.n for group, tally in made.sums().items()}


def test_a_span_has_as_many_minutes_the_current_one_included() -> None:
    assert MINUTE - first_minute(NOW_S, 900) == 14
    made = buckets(900)
    for age in range(16):
        if not made.is_expired(MINUTE - age):
            made.add(MINUTE - age, "a", 0.5, positive=True, released=True)
    assert counted(made) == {"a": 15}


def test_a_minute_ago_counts_until_its_span_is_over() -> None:
    made = buckets(180)
    made.add(MINUTE, "a", 0.5, positive=True, released=True)
    seen: list[int] = []
    for later in range(5):
        made.turn(NOW_S + later * 60)
        seen.append(counted(made).get("a", 0))
    assert seen == [1, 1, 1, 0, 0]
    assert len(made) == 0


def test_turning_within_a_minute_changes_nothing() -> None:
    made = buckets()
    assert made.turn(NOW_S + 20) is False
    assert made.turn(NOW_S + 60) is True


def test_shorter_spans_are_sums_of_fewer_minutes() -> None:
    made = buckets()
    for age in (0, 10, 100, 1_000):
        made.add(MINUTE - age, "a", 0.5, positive=True, released=age > 50)
    cells = made.over(3_600, NOW_S)["a"]
    assert (cells.released.n, cells.refused.n) == (0, 2)
    assert made.over(DAY_S, NOW_S)["a"].total().n == 4


def test_minutes_of_the_future_are_kept_as_far_as_those_of_the_past() -> None:
    made = buckets(3_600)
    for ahead in (30, 59, 60, 10_000):
        made.add(MINUTE + ahead, "a", 0.5, positive=True, released=True)
    made.turn(NOW_S + 60)
    assert counted(made) == {"a": 3}
    assert len(made) == 3


def test_a_replicas_word_on_a_minute_replaces_what_it_said() -> None:
    made = buckets()
    made.add(MINUTE, "a", 0.5, positive=True, released=True)
    for times in (2, 5, 5):
        cell = Cell()
        for _ in range(times):
            cell.add(0.25, positive=False, released=True)
        made.put(MINUTE, "other", {"a": cell, "b": cell})
    assert counted(made) == {"a": 6, "b": 5}
    assert made.of(MINUTE).keys() == {"r", "other"}
    assert made.of(MINUTE + 1) == {}


@given(st.lists(st.tuples(st.integers(0, 200), st.sampled_from("ab"), st.floats(0, 1), st.booleans()), max_size=60))
def test_running_sums_are_those_that_minutes_add_up_to(told: list[tuple[int, str, float, bool]]) -> None:
    running, afterwards = buckets(7_200), buckets(7_200)
    for age, group, score, positive in told:
        running.sums()
        for made in (running, afterwards):
            made.add(MINUTE - age, group, score, positive, released=positive)
    found, expected = running.sums(), afterwards.sums()
    assert {group: (each.n, each.positive) for group, each in found.items()} == {
        group: (each.n, each.positive) for group, each in expected.items()
    }
    for group, tally in found.items():
        assert abs(tally.moments.mean - expected[group].moments.mean) < 1e-9
        assert abs(tally.moments.m2 - expected[group].moments.m2) < 1e-9
