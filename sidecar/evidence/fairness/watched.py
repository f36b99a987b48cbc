"""One model and version over a log: what was counted of each group, and the course that its disparity took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.fairness.course import Course, Point, What
from sidecar.evidence.fairness.measures import group_rows, measures
from sidecar.evidence.fairness.report import ModelReport
from sidecar.fairness.cells import Cell
from sidecar.fairness.metrics import Confusion
from sidecar.fairness.window import UNKNOWN

if TYPE_CHECKING:
    from sidecar.evidence.fairness.labels import Labels
    from sidecar.fairness.window import Observation, Window, WindowSnapshot, WindowTerms
    from sidecar.model.facts import ModelFacts


class Watched:
    """Told of everything in the order of time; memory does not grow with the log."""

    def __init__(self, facts: ModelFacts, version: str | None, terms: WindowTerms) -> None:
        self._facts = facts
        self._version = version
        self._terms = terms
        self._course = Course()
        self._cells: dict[str, Cell] = {}
        self._confusions: dict[str, Confusion] = {}
        self._labelled = 0
        self.predictions = 0
        self._epoch: int | None = None
        self._first_unix_s = self._last_unix_s = 0.0
        self._was_warned = self._was_certain = False

    def observed(self, seen: Observation, labels: Labels, window: Window) -> None:
        """A prediction that the window has just been told of."""
        self._turn_epoch(seen.unix_s)
        for index in range(seen.instances):
            self._count(seen, index, labels)
        self.predictions += seen.instances
        self._last_unix_s = max(self._last_unix_s, seen.unix_s)
        if self._course.is_due(self.predictions):
            self._note(window.snapshot(self._facts, self._version), seen.unix_s)

    def look(self, window: Window, unix_s: float) -> None:
        """At whether the evidence has crossed a level since the last look."""
        impact = window.snapshot(self._facts, self._version).disparate_impact or {}
        is_warned, is_certain = bool(impact.get("warned")), bool(impact.get("certain"))
        if is_warned and not self._was_warned:
            self.happened(What.WARNED, unix_s)
        if is_certain and not self._was_certain:
            self.happened(What.CERTAIN, unix_s)
        self._was_warned, self._was_certain = is_warned, is_certain

    def happened(self, what: What, unix_s: float) -> None:
        """Something after the predictions so far."""
        self._course.happened(what, self.predictions, unix_s)

    def report(self, window: Window) -> ModelReport:
        """All of it, at the end of the log."""
        snapshot = window.snapshot(self._facts, self._version)
        self._note(snapshot, self._last_unix_s)
        return ModelReport(
            model=self._facts.name,
            version=self._version,
            predictions=self.predictions,
            labelled=self._labelled,
            state=snapshot.state,
            first_unix_s=self._first_unix_s,
            last_unix_s=self._last_unix_s,
            limit=self._facts.disparate_impact_max,
            alpha=self._terms.alpha,
            epoch_s=self._terms.epoch_s,
            groups=group_rows(self._cells, self._facts),
            measures=measures(self._cells, self._confusions, self._facts),
            points=tuple(self._course.points),
            moments=tuple(self._course.moments),
            moments_total=self._course.moments_total,
        )

    def _turn_epoch(self, unix_s: float) -> None:
        epoch = int(unix_s // self._terms.epoch_s)
        if self._epoch is None:
            self._first_unix_s = unix_s
        elif epoch > self._epoch:
            self.happened(What.EPOCH, epoch * float(self._terms.epoch_s))
        self._epoch = max(epoch, self._epoch or epoch)

    def _count(self, seen: Observation, index: int, labels: Labels) -> None:
        named = seen.groups[index if len(seen.groups) > 1 else 0] if seen.groups else UNKNOWN
        group = named if named in self._facts.groups else UNKNOWN
        score = None if seen.scores is None else seen.scores[index]
        positive = None if seen.positive is None else seen.positive[index]
        self._cells.setdefault(group, Cell()).add(score, positive, released=seen.released)
        label = labels.get((seen.decision_id, index))
        if label is not None and positive is not None:
            known = self._confusions.get(group, Confusion())
            self._confusions[group] = known.counted(positive=positive, label=label)
            self._labelled += 1

    def _note(self, snapshot: WindowSnapshot, unix_s: float) -> None:
        impact = snapshot.disparate_impact or {}
        ratio, lower = impact.get("ratio"), impact.get("lower")
        self._course.add(
            Point(
                self.predictions,
                unix_s,
                ratio if isinstance(ratio, float) else None,
                lower if isinstance(lower, float) else None,
            )
        )
