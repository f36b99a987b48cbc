from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from sidecar.evidence.fairness.course import Moment, Point, What
from sidecar.evidence.fairness.watched import Watched
from sidecar.fairness.window import Observation, WindowSnapshot, WindowTerms
from sidecar.model.facts import ModelFacts

FACTS = ModelFacts("credit", groups=("a", "b"), disparate_impact_max=1.5)
NOON_UNIX_S = 1_795_348_800.0


@dataclass
class Told:
    """A window that says what it is told to."""

    impact: dict[str, object] | None = None
    seen: list[Observation] = field(default_factory=list["Observation"])

    def snapshot(self, facts: ModelFacts, version: str | None) -> WindowSnapshot:
        return WindowSnapshot("ok", disparate_impact=self.impact)

    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        self.seen.append(seen)


def _seen(*groups: str, after_s: float = 0.0, instances: int | None = None) -> Observation:
    count = instances or len(groups)
    return Observation("1", "credit", None, NOON_UNIX_S + after_s, groups, None, (True,) * count, count, True)


def _watched() -> Watched:
    return Watched(FACTS, "3", WindowTerms())


def test_points_are_what_the_window_said() -> None:
    watched, window = _watched(), Told()
    watched.observed(_seen("a", "b"), {}, window)
    window.impact = {"ratio": 1.25, "lower": 1.05}
    watched.observed(_seen("a", after_s=1), {}, window)
    found = watched.report(window)
    assert found.points[:2] == (
        Point(2, NOON_UNIX_S, None, None),
        Point(3, NOON_UNIX_S + 1, 1.25, 1.05),
    )
    assert (found.version, found.state, found.predictions) == ("3", "ok", 3)


@pytest.mark.parametrize(
    ("looks", "whats"),
    [
        ([(True, False), (True, False), (True, True), (True, True)], [What.WARNED, What.CERTAIN]),
        ([(True, True)], [What.WARNED, What.CERTAIN]),
        ([(True, True), (False, False), (True, False)], [What.WARNED, What.CERTAIN, What.WARNED]),
        ([(False, False)], []),
    ],
)
def test_a_level_is_told_once_until_a_fresh_test_crosses_it(looks: list[tuple[bool, bool]], whats: list[What]) -> None:
    watched = _watched()
    for warned, certain in looks:
        watched.look(Told({"warned": warned, "certain": certain}), NOON_UNIX_S)
    assert [moment.what for moment in watched.report(Told()).moments] == whats


def test_an_epoch_begins_at_its_own_time_and_only_once() -> None:
    watched, window = _watched(), Told()
    for after_s in (0, 43_205, 43_195, 43_210):  # an answer of the old day comes in late
        watched.observed(_seen("a", after_s=after_s), {}, window)
    assert watched.report(window).moments == (Moment(What.EPOCH, 1, NOON_UNIX_S + 43_200),)


def test_one_group_counts_for_all_instances_and_none_is_unknown() -> None:
    watched, window = _watched(), Told()
    watched.observed(_seen("b", instances=3), {}, window)
    watched.observed(_seen(instances=2), {}, window)
    watched.observed(_seen("A"), {}, window)
    assert [(row.group, row.n) for row in watched.report(window).groups] == [("b", 3), ("unknown", 3)]
