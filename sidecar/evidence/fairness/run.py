"""One or several logs through a window: records merged by time, and what each of them adds, in bounded memory."""

from __future__ import annotations

from heapq import merge
from typing import TYPE_CHECKING

from sidecar.audit.heads import decision_of, kind_of, time_of
from sidecar.evidence.fairness.course import What
from sidecar.evidence.fairness.report import Report
from sidecar.evidence.fairness.watched import Watched
from sidecar.evidence.replay.source import Span
from sidecar.fairness.rebuild import Feed, Join, LogClock, Unreadable
from sidecar.fairness.throttle import Armed
from sidecar.fairness.window import Observation
from sidecar.fairness.windows import MemoryWindow
from sidecar.ledger.reading import entries
from sidecar.model.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sidecar.evidence.fairness.labels import Labels
    from sidecar.evidence.folders import LogFolder
    from sidecar.fairness.rebuild import Step
    from sidecar.fairness.window import WindowTerms
    from sidecar.model.facts import Facts

TICK_RECORDS = 1_000


def fairness_report(
    logs: Sequence[LogFolder],
    facts: Facts,
    terms: WindowTerms,
    *,
    model: str | None = None,
    labels: Labels | None = None,
    span: Span | None = None,
    advance: Callable[[int], None] = lambda records: None,
) -> Report:
    """What the logs say of each model and version; of several logs, as if one window had seen it all.

    `model` None: all. `labels`: true outcomes that came in later. `span` None: all of the logs. `advance` is called
    with the number of records done since the last call. Raises `ledger.segments.Damaged`.
    """
    run = _Run(facts, terms, labels or {}, model)
    merged = merge(*(_records(log, run, span or Span()) for log in logs), key=lambda record: record[0])
    for number, (unix_ns, step) in enumerate(merged, 1):
        run.take(unix_ns, step)
        if number % TICK_RECORDS == 0:
            advance(TICK_RECORDS)
    return run.report()


def _records(log: LogFolder, run: _Run, span: Span) -> Iterator[tuple[int, Step | None]]:
    """Every record of a log with its time and, where it adds one, its step."""
    join = Join()
    for entry in entries(log.path):
        record, unix_ns, step = entry.record, time_of(entry.record), None
        run.records += 1
        try:
            step = join.take(kind_of(record), decision_of(record), record)
        except Unreadable:
            run.unreadable += 1
        yield unix_ns, step if unix_ns in span else None


class _Run:
    def __init__(self, facts: Facts, terms: WindowTerms, labels: Labels, model: str | None) -> None:
        clock = LogClock(SystemClock())
        self._facts = facts
        self._terms = terms
        self._labels = labels
        self._model = model
        self._clock = clock
        self._window = MemoryWindow(clock, terms)
        self._feed = Feed(self._window, clock, facts)
        self._watched: dict[tuple[str, str | None], Watched] = {}
        self.records = 0
        self.unreadable = 0
        self._left_out = 0

    def take(self, unix_ns: int, step: Step | None) -> None:
        """One record, in the order of time: its step comes after what the time itself brings about."""
        if self._feed.advance(unix_ns):
            self._look()
        if step is None or (self._model is not None and step.model != self._model):
            return
        self._feed.take(step)
        watched = self._of(step)
        if watched is None:
            self._left_out += isinstance(step, Observation)
            return
        if isinstance(step, Observation):
            watched.observed(step, self._labels, self._window)
        else:
            watched.happened(What.ARMED if isinstance(step, Armed) else What.RELEASED, unix_ns / 1e9)

    def report(self) -> Report:
        """What was found; the last seconds are tested, too."""
        self._window.tend(self._clock.unix_s() + self._terms.settle_s + 1)
        self._look()
        found = sorted(self._watched.items(), key=lambda item: (item[0][0], item[0][1] or ""))
        return Report(
            tuple(watched.report(self._window) for _, watched in found if watched.predictions),
            records=self.records,
            unreadable=self.unreadable,
            left_out=self._left_out,
            labels=len(self._labels),
        )

    def _of(self, step: Step) -> Watched | None:
        key = step.model, step.version
        watched = self._watched.get(key)
        if watched is None and len(self._watched) < self._terms.watches_limit:
            watched = self._watched[key] = Watched(self._facts.of(step.model), step.version, self._terms)
        return watched

    def _look(self) -> None:
        for watched in self._watched.values():
            watched.look(self._window, self._clock.unix_s())
