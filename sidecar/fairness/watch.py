"""All that is kept of one model and version: its minutes, what it tells the test of the epoch, and the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.fairness.buckets import Buckets
from sidecar.fairness.epoch import EpochTest
from sidecar.fairness.figures import group_figures, ratio_of, span_status
from sidecar.fairness.ticks import Ticks
from sidecar.fairness.window import (
    DEGRADED,
    INSUFFICIENT,
    MINUTE_S,
    OK,
    UNKNOWN,
    TestStatus,
    WatchStatus,
    WindowSnapshot,
)

if TYPE_CHECKING:
    from sidecar.fairness.throttle import Armed, Hold
    from sidecar.fairness.window import Observation, WindowTerms
    from sidecar.model.facts import ModelFacts


class Watch:
    """One model and version in one replica.

    `turn` does what is due by the time of day; `observe` and `snapshot` cost the same however much has been counted.
    """

    def __init__(
        self, facts: ModelFacts, version: str | None, replica: str, terms: WindowTerms, ticks_kept_s: int
    ) -> None:
        self.facts = facts
        self._former: ModelFacts = facts
        self.version = version
        self.replica = replica
        self._terms = terms
        self._span_s = terms.span_s
        self._ticks_kept_s = ticks_kept_s
        self.unpushed: set[int] = set()
        """Minutes in which this replica has counted something that it has not told others."""
        self.epoch = 0
        self.turned_s = -1
        self.looked_at_s = 0.0
        self._begin()

    def _begin(self) -> None:
        self.groups = frozenset(self.facts.groups)
        self.buckets = Buckets(self.replica, self._span_s)
        self._figures: dict[str, dict[str, float | None] | None] = {}
        self._impact: dict[str, object] | None = None
        self._start_test()

    def _start_test(self) -> None:
        self.ticks = Ticks()
        self.test: EpochTest | None = None
        facts, limit = self.facts, self.facts.disparate_impact_max
        if limit is not None and len(facts.groups) > 1 and facts.read.positive is not None:
            starts_s = self.epoch * self._terms.epoch_s
            self.test = EpochTest(self.epoch, starts_s, facts.groups, limit, self._terms.alpha)
        self._impact = None

    def heed(self, facts: ModelFacts) -> None:
        """Takes new facts. Where they change what a cell or a test means, it begins anew."""
        if facts is self.facts or facts is self._former:  # an exchange in flight may still have the former ones
            return
        self._former, self.facts = self.facts, facts
        old = self._former
        if (old.read.positive, old.read.score, old.read.label) != (
            facts.read.positive,
            facts.read.score,
            facts.read.label,
        ):
            self._begin()
        elif (old.groups, old.disparate_impact_max) != (facts.groups, facts.disparate_impact_max):
            self.groups = frozenset(facts.groups)
            self._figures.clear()
            self._start_test()

    def means_the_same(self, facts: ModelFacts) -> bool:
        """Whether what was read by these facts can be counted here."""
        if facts is self.facts:
            return True
        mine, its = self.facts.read, facts.read
        return (mine.positive, mine.score, mine.label) == (its.positive, its.score, its.label)

    def turn(self, now_unix_s: float, hold: Hold | None, *, is_alone: bool) -> None:
        """Does what is due. Alone, a replica takes its test on by itself; else that happens in the store."""
        self.turned_s = int(now_unix_s)
        if self.buckets.turn(now_unix_s):
            self.refresh()
        self._turn_epoch(now_unix_s)
        if is_alone:
            self.settle(now_unix_s, hold)
        else:
            self.ticks.forget(self.turned_s - self._ticks_kept_s)

    def _turn_epoch(self, now_unix_s: float) -> None:
        epoch = int(now_unix_s // self._terms.epoch_s)
        # A clock that is put back over the end of an epoch goes on with the later one; one that was days off does not.
        if epoch > self.epoch or epoch < self.epoch - 1:
            self.epoch = epoch
            self._start_test()

    def settle(self, now_unix_s: float, hold: Hold | None) -> None:
        """Takes the test on by what this replica has counted."""
        if self.test is not None:
            self.take(self.test, now_unix_s, hold)
            self.ticks.forget(self.test.settled_s - self._ticks_kept_s)
            self._impact = None

    def take(self, test: EpochTest, now_unix_s: float, hold: Hold | None) -> bool:
        """Takes a test on, ours or the one that is shared; False where that changed nothing in it but the time."""
        settle_s = self._terms.settle_s
        is_news = test.contribute(self.replica, self.ticks, int(now_unix_s + settle_s) + 1)
        return test.settle(int(now_unix_s - settle_s), hold) or is_news

    def adopt(self, test: EpochTest) -> None:
        """Goes on with the test that is shared."""
        self.test = test
        self._impact = None

    def heed_hold(self, hold: Hold | None) -> None:
        """A throttle was armed: what was certain has been acted on."""
        if self.test is not None:
            self.test.heed(hold)
            self._impact = None

    def observe(self, seen: Observation, unix_s: float, now_unix_s: float) -> int:
        """Counts a prediction that was found fit to be counted; gives how many instances were of unknown groups."""
        minute, second, unknown = int(unix_s // MINUTE_S), int(unix_s), 0
        is_tested = self.test is not None and self._is_of_this_epoch(unix_s, now_unix_s)
        groups, scores, positive = seen.groups or (UNKNOWN,), seen.scores, seen.positive
        for index in range(seen.instances):
            group = groups[index % len(groups)]  # one for each instance, or one for all
            if group not in self.groups:
                group = UNKNOWN
                unknown += 1
            score = None if scores is None else scores[index]
            is_positive = None if positive is None else positive[index]
            self.buckets.add(minute, group, score, is_positive, released=seen.released)
            if is_tested and is_positive is not None and group is not UNKNOWN:
                self.ticks.add(second, group, is_positive)
            self._figures.pop(group, None)
        self.unpushed.add(minute)
        self._impact = None
        return unknown

    def _is_of_this_epoch(self, unix_s: float, now_unix_s: float) -> bool:
        epoch_s = self._terms.epoch_s
        return unix_s // epoch_s >= min(self.epoch, now_unix_s // epoch_s)

    def refresh(self) -> None:
        """Says that sums have changed other than by `observe`."""
        self._figures.clear()
        self._impact = None

    def snapshot(self, *, is_degraded: bool) -> WindowSnapshot:
        """The window as it stands, over the longest span."""
        tallies, figures = self.buckets.sums(), self._figures
        if len(figures) != len(tallies):
            for group, tally in tallies.items():
                if group not in figures:
                    figures[group] = group_figures(tally, self.facts)
        groups = {group: found for group, found in figures.items() if found is not None}
        state = DEGRADED if is_degraded else OK
        if groups.keys().isdisjoint(self.facts.groups):
            state = INSUFFICIENT
        return WindowSnapshot(state, self._span_s, groups, self._impact_figures())

    def _impact_figures(self) -> dict[str, object] | None:
        if self.test is None or self._impact is not None:
            return self._impact
        test, found = self.test.impact, ratio_of(self.buckets.sums(), self.facts.groups)
        is_certain = test.certain(self._terms.alpha)
        ratio, favoured, disfavoured = found or (None, test.favoured, test.disfavoured)
        if is_certain:
            # Of what is certain the test knows the direction, which the estimate over another span may have lost.
            favoured, disfavoured = test.favoured, test.disfavoured
        self._impact = {
            "ratio": ratio,
            "lower": self.test.bound.lower,
            "certain": is_certain,
            "warned": is_certain or test.warned(self._terms.warn_alpha),
            "favoured": favoured,
            "disfavoured": disfavoured,
        }
        return self._impact

    def status(self, now_unix_s: float, armed: Armed | None, *, is_degraded: bool) -> WatchStatus:
        """All that there is to show."""
        return WatchStatus(
            self.facts.name,
            self.version,
            self.snapshot(is_degraded=is_degraded).state,
            tuple(
                span_status(span_s, self.buckets.over(span_s, now_unix_s), self.facts) for span_s in self._terms.spans_s
            ),
            self._test_status(),
            armed,
            len(self.buckets),
        )

    def _test_status(self) -> TestStatus | None:
        if self.test is None:
            return None
        impact = self.test.impact
        return TestStatus(
            limit=self.test.limit,
            epoch=self.test.number,
            wealth=impact.wealth,
            certain=impact.certain(self._terms.alpha),
            warned=impact.warned(self._terms.warn_alpha),
            lower=self.test.bound.lower,
            favoured=impact.favoured,
            disfavoured=impact.disfavoured,
        )

    def is_idle(self, now_unix_s: float) -> bool:
        """Whether nothing is lost when it is dropped, and nobody has looked at it for a minute."""
        return not (len(self.buckets) or self.ticks.totals) and abs(now_unix_s - self.looked_at_s) >= MINUTE_S
