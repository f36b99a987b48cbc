"""One epoch's test of one model and version, and what of all replicas' counts is in it.

The state is a value: it goes through JSON, any replica may take it a step further, and every prediction is in it once.
A replica tells its own absolute counts (`contribute`); `settle` takes the seconds that are old enough, in order. What
comes for a second that has been taken (a slow answer, a replica that was cut off, a clock that stepped back) joins the
next one: the test's guarantee does not depend on where a block ends, as long as outcomes do not decide it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar.fairness.eprocess import BlockBuilder, ImpactTest
from sidecar.fairness.lower_bound import LowerBound
from sidecar.fairness.ticks import Counts, add, copied

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.fairness.throttle import Hold
    from sidecar.fairness.ticks import Ticks


class EpochTest:
    """What is certain of the ratio of positive rates in this epoch, since the last arming."""

    def __init__(self, number: int, starts_s: int, groups: Sequence[str], limit: float, alpha: float) -> None:
        self.number = number
        self.groups = tuple(groups)
        self.limit = limit
        self.alpha = alpha
        self.settled_s = starts_s
        """Seconds before this one have been taken."""
        self._taken: dict[str, Counts] = {}  # of each replica, since the epoch began
        self._waiting: dict[str, dict[int, Counts]] = {}  # of each replica, by second
        self._late: dict[str, Counts] = {}
        self._arming = (number, 0)  # epoch and number of the last one: tests begin anew after each
        self._begin()

    def _begin(self) -> None:
        self.builder = BlockBuilder(self.groups)
        self.impact = ImpactTest(self.groups, self.limit)
        self.bound = LowerBound(self.groups, self.alpha)

    def contribute(self, replica: str, ticks: Ticks, horizon_s: int) -> bool:
        """Takes note of what a replica counted, as a whole: what is known of it already is not counted twice.

        Seconds from `horizon_s` on lie in the future, by a clock that is ahead: they are taken as if late. True where
        there is news.
        """
        for second in [second for second in ticks.seconds if second >= horizon_s]:
            del ticks.seconds[second]  # still in the totals; it must not come up again when its time has come
        waiting = {second: copied(counts) for second, counts in ticks.seconds.items() if second >= self.settled_s}
        accounted = copied(self._taken.get(replica, {}))
        for counts in waiting.values():
            add(accounted, counts)
        late = copied(ticks.totals)
        add(late, accounted, -1)
        for group, (n, positive) in late.items():
            if n < 0 or positive < 0:
                # It has forgotten: its log was cut. What it counts from now on comes on top of what it once counted.
                add(ticks.totals, {group: [max(0, -n), max(0, -positive)]})
        late = {group: pair for group, pair in late.items() if pair[0] > 0 and 0 <= pair[1] <= pair[0]}
        is_news = waiting != self._waiting.get(replica, {}) or late != self._late.get(replica, {})
        self._waiting[replica], self._late[replica] = waiting, late
        return is_news

    def settle(self, before_s: int, hold: Hold | None) -> bool:
        """Takes what is late, and all seconds before that one, in order. While a throttle holds, nothing is tested.

        True where there was something to take.
        """
        is_begun = self.heed(hold)
        resumes_s = hold.ends_unix_s if hold is not None else 0.0
        late = {replica: counts for replica, counts in self._late.items() if counts}
        self._take(late, before_s >= resumes_s)
        self._late = {}
        due = sorted({second for waiting in self._waiting.values() for second in waiting if second < before_s})
        for second in due:
            tick = {replica: waiting.pop(second) for replica, waiting in self._waiting.items() if second in waiting}
            self._take(tick, second >= resumes_s)
        self.settled_s = max(self.settled_s, before_s)
        return is_begun or bool(late) or bool(due)

    def heed(self, hold: Hold | None) -> bool:
        """Begins anew where a throttle was armed since; True where that is so."""
        if hold is None or (hold.epoch, hold.armed.number) <= self._arming:
            return False
        self._arming = hold.epoch, hold.armed.number
        self._begin()
        return True

    def _take(self, by_replica: Mapping[str, Counts], is_tested: bool) -> None:
        tick: Counts = {}
        for replica, counts in by_replica.items():
            add(tick, counts)
            add(self._taken.setdefault(replica, {}), counts)
        if not tick or not is_tested:
            return
        # In the same order whoever counted first, so that the same counts give the same wealth to the last bit.
        block = self.builder.add({group: (tick[group][0], tick[group][1]) for group in self.groups if group in tick})
        if block is not None:
            self.impact.fold(block)
            self.bound.fold(block)

    def state(self) -> dict[str, Any]:
        """All of it as JSON-able values."""
        return {
            "number": self.number,
            "groups": list(self.groups),
            "limit": self.limit,
            "alpha": self.alpha,
            "settled_s": self.settled_s,
            "arming": list(self._arming),
            "taken": self._taken,
            "waiting": {
                replica: [[second, counts] for second, counts in waiting.items()]
                for replica, waiting in self._waiting.items()
                if waiting
            },
            "late": self._late,
            "builder": self.builder.state(),
            "impact": self.impact.state(),
            "bound": self.bound.state(),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> EpochTest:
        """The test whose `state()` that is. Raises KeyError, TypeError or ValueError where it is none."""
        test = cls(state["number"], state["settled_s"], state["groups"], state["limit"], state["alpha"])
        epoch, number = state["arming"]
        test._arming = epoch, number
        test._taken = {replica: copied(counts) for replica, counts in state["taken"].items()}
        test._waiting = {
            replica: {second: copied(counts) for second, counts in waiting}
            for replica, waiting in state["waiting"].items()
        }
        test._late = {replica: copied(counts) for replica, counts in state["late"].items()}
        test.builder = BlockBuilder.from_state(state["builder"])
        test.impact = ImpactTest.from_state(state["impact"])
        test.bound = LowerBound.from_state(state["bound"])
        return test
