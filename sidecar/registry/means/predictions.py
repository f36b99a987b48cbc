"""Records of verified logs → predictions of one model, one for each instance. Bounded memory, pure but for reading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.audit.heads import decision_of, kind_of, time_of
from sidecar.fairness.rebuild import Join, Unreadable
from sidecar.fairness.window import Observation
from sidecar.ledger.reading import entries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sidecar.evidence.replay import Span
    from sidecar.registry.means.verified import VerifiedLog

OTHER_GROUP = -1
"""Place of a prediction whose group the model does not declare."""
NO_SCORE = -2
"""Place of one that was released without a score that could be read."""
NOT_RELEASED = -3
"""Place of one that a client never got: refused, replaced by a fallback, failed on its way."""
TICK_RECORDS = 1_000


class NotReadable(Exception):
    """The logs hold, and not all of their records can be counted. The message says what, and what to do."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Predictions of one model by declared group, whose OUTCOME was recorded within `span`."""

    model: str
    groups: tuple[str, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Prediction:
    """One instance. `place` is its group's index in `Wanted.groups`, or one of the places above; then `score` is 0."""

    decision_id: str
    instance: int
    place: int
    score: float


def predictions(
    logs: Iterable[VerifiedLog], wanted: Wanted, advance: Callable[[int], None] = lambda records: None
) -> Iterator[Prediction]:
    """Those of all logs, log after log; what two logs share comes twice.

    `advance` is called with the number of records done since the last call. Raises NotReadable, and
    `ledger.segments.Damaged` for what was damaged since it was verified.
    """
    for log in logs:
        for observation in _observations(log, wanted, advance):
            yield from _each(observation, wanted)


def _observations(log: VerifiedLog, wanted: Wanted, advance: Callable[[int], None]) -> Iterator[Observation]:
    join, due = Join(), log.first
    for entry in entries(log.folder.path, log.first, log.end):
        if entry.sequence != due:
            break
        due += 1
        if due % TICK_RECORDS == 0:
            advance(TICK_RECORDS)
        try:
            step = join.take(kind_of(entry.record), decision_of(entry.record), entry.record)
        except Unreadable as error:
            raise NotReadable(f"record {entry.sequence} of log {log.log_id}: {error}") from None
        if isinstance(step, Observation) and step.model == wanted.model and time_of(entry.record) in wanted.span:
            yield step
    if due != log.end:
        raise NotReadable(f"record {due} of log {log.log_id} was deleted while it was read: try again")
    if join.lost_total:
        raise NotReadable(f"{join.lost_total:,} exchanges of log {log.log_id} were open for too long to be counted")


def _each(seen: Observation, wanted: Wanted) -> Iterator[Prediction]:
    for instance in range(seen.instances):
        place = _place(seen, instance, wanted)
        score = seen.scores[instance] if place >= 0 and seen.scores is not None else 0.0
        yield Prediction(seen.decision_id, instance, place, score)


def _place(seen: Observation, instance: int, wanted: Wanted) -> int:
    if not seen.released:
        return NOT_RELEASED
    if seen.scores is None:
        return NO_SCORE
    # Contract 2: one group for each instance; a single one counts for all.
    group = seen.groups[instance if len(seen.groups) > 1 else 0] if seen.groups else None
    return wanted.groups.index(group) if group in wanted.groups else OTHER_GROUP
