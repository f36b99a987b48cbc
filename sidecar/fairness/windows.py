"""The windows and throttles of one replica, in memory."""

from __future__ import annotations

from collections import Counter
from math import isfinite
from typing import TYPE_CHECKING

from sidecar.fairness.throttle import MemoryThrottle
from sidecar.fairness.watch import Watch
from sidecar.fairness.window import INSUFFICIENT, MINUTE_S, StoreStatus, WindowSnapshot, WindowTerms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.fairness.throttle import Armed, Hold, Released
    from sidecar.fairness.window import Observation
    from sidecar.model.clock import Clock
    from sidecar.model.facts import ModelFacts

CAUSES = (
    "duplicate",
    "expired",
    "former_facts",
    "groups_length",
    "instances",
    "positive_length",
    "score_not_finite",
    "score_out_of_range",
    "scores_length",
    "time",
    "watches_full",
)
"""Why an observation was ignored. The protocol's reader refuses most of these before: this is the second wall."""

IDS_KEPT = 16_384
"""Of how many decisions at least it is known that they were counted."""

SECONDS_LIMIT = 1_024
"""Seconds that wait to be tested. Live there are three; an earlier life's come all at once."""


class MemoryWindow:
    """See Store. One process, no I/O.

    Where counts are shared, `replica` is the name under which others know these, and `ticks_kept_s` is how long it may
    be cut off from them, and its own still be tested second by second; after that they come as one. `is_alone` says
    that others' counts are not known, or no longer: it then takes its tests on by itself.
    """

    def __init__(
        self, clock: Clock, terms: WindowTerms | None = None, replica: str = "", ticks_kept_s: int = 0
    ) -> None:
        self.terms = terms or WindowTerms()
        self.throttle = MemoryThrottle(clock, self.terms.epoch_s, replica)
        self.is_alone = True
        self.is_degraded = False
        self._replica = replica
        self._ticks_kept_s = ticks_kept_s
        self._clock = clock
        self._watches: dict[tuple[str, str | None], Watch] = {}
        self._ids = _RecentIds(IDS_KEPT)
        self._ignored: Counter[str] = Counter(dict.fromkeys(CAUSES, 0))
        self._unknown_instances = 0

    def snapshot(self, facts: ModelFacts, version: str | None) -> WindowSnapshot:
        """See Window."""
        watch = self._watch(facts, version, self._clock.unix_s())
        if watch is None:
            return WindowSnapshot(INSUFFICIENT, self.terms.span_s)
        return watch.snapshot(is_degraded=self.is_degraded)

    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        """See Window."""
        now_unix_s = self._clock.unix_s()
        # "Keyed by the sidecar's own clock at INTENT", which may have been put back since.
        unix_s = min(seen.unix_s, now_unix_s)
        cause = _unfit(facts, seen)
        if cause is None and seen.decision_id in self._ids:
            cause = "duplicate"
        watch = self._watch(facts, seen.version, now_unix_s) if cause is None else None
        if watch is None:
            self._ignored[cause or "watches_full"] += 1
        elif not watch.means_the_same(facts):
            self._ignored["former_facts"] += 1
        elif watch.buckets.is_expired(int(unix_s // MINUTE_S)):
            self._ignored["expired"] += 1
        else:
            self._ids.add(seen.decision_id)
            self._unknown_instances += watch.observe(seen, unix_s, now_unix_s)
            if self.is_alone and len(watch.ticks.seconds) > SECONDS_LIMIT + self._ticks_kept_s:
                watch.settle(unix_s, self.throttle.hold(facts.name, seen.version))

    def admit(self, model: str, version: str | None) -> None:
        """See Throttle."""
        self.throttle.admit(model, version)

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> Armed | None:
        """See Throttle. The watch's test ends with it; the next one begins when the hold ends."""
        armed = self.throttle.arm(model, version, rate_per_s, hold_s)
        self._heed_hold(model, version)
        return armed

    def adopt(self, hold: Hold) -> None:
        """Takes over a throttle that another replica armed."""
        self.throttle.adopt(hold)
        self._heed_hold(hold.armed.model, hold.armed.version)

    def _heed_hold(self, model: str, version: str | None) -> None:
        watch = self._watches.get((model, version))
        if watch is not None:
            watch.heed_hold(self.throttle.hold(model, version))

    def released(self) -> list[Released]:
        """See Throttle."""
        return self.throttle.released()

    def tend(self, now_unix_s: float | None = None) -> None:
        """See Store."""
        now_unix_s = self._clock.unix_s() if now_unix_s is None else now_unix_s
        self.throttle.tend(now_unix_s)
        for key, watch in list(self._watches.items()):
            self._turn(watch, now_unix_s)
            if watch.is_idle(now_unix_s):
                del self._watches[key]

    def restore(self, told: Armed | Released) -> None:
        """See Store."""
        self.throttle.restore(told)

    def status(self) -> StoreStatus:
        """See Store."""
        now_unix_s = self._clock.unix_s()
        self.tend(now_unix_s)
        armed = {(each.model, each.version): each for each in self.throttle.armed()}
        return StoreStatus(
            "memory",
            tuple(
                watch.status(now_unix_s, armed.get(key), is_degraded=self.is_degraded)
                for key, watch in self._watches.items()
            ),
            dict(self._ignored),
            self._unknown_instances,
            tuple(armed.values()),
        )

    def watches(self) -> Iterator[Watch]:
        """All of them, as they are now."""
        yield from list(self._watches.values())

    def _watch(self, facts: ModelFacts, version: str | None, now_unix_s: float) -> Watch | None:
        watch = self._watches.get((facts.name, version))
        if watch is None:
            if len(self._watches) >= self.terms.watches_limit:
                return None
            watch = Watch(facts, version, self._replica, self.terms, self._ticks_kept_s)
            self._watches[facts.name, version] = watch
        watch.heed(facts)
        watch.looked_at_s = now_unix_s
        if watch.turned_s != int(now_unix_s):
            self._turn(watch, now_unix_s)
        return watch

    def _turn(self, watch: Watch, now_unix_s: float) -> None:
        watch.turn(now_unix_s, self.throttle.hold(watch.facts.name, watch.version), is_alone=self.is_alone)


class _RecentIds:
    """The last ids, at least `kept` and at most twice as many."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._new: set[str] = set()
        self._old: set[str] = set()

    def __contains__(self, decision_id: str) -> bool:
        return decision_id in self._new or decision_id in self._old

    def add(self, decision_id: str) -> None:
        self._new.add(decision_id)
        if len(self._new) >= self._kept:
            self._old, self._new = self._new, set()


def _unfit(facts: ModelFacts, seen: Observation) -> str | None:
    """Why this cannot be counted, if so."""
    instances = seen.instances
    if instances < 1:
        return "instances"
    if not isfinite(seen.unix_s) or seen.unix_s < 0:
        return "time"
    if len(seen.groups) > 1 and len(seen.groups) != instances:
        return "groups_length"
    if seen.positive is not None and len(seen.positive) != instances:
        return "positive_length"
    return None if seen.scores is None else _unfit_scores(facts, seen.scores, instances)


def _unfit_scores(facts: ModelFacts, scores: tuple[float, ...], instances: int) -> str | None:
    if len(scores) != instances:
        return "scores_length"
    if not all(map(isfinite, scores)):
        return "score_not_finite"
    bounds = facts.read.score_range
    if bounds is not None and not (bounds[0] <= min(scores) and max(scores) <= bounds[1]):
        return "score_out_of_range"
    return None
