"""What the demo found, as values: the report prints them for people, `--json` for machines."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from sidecar.demo.applications import GROUPS
from sidecar.demo.replay import at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sidecar.demo.fairness import Fairness
    from sidecar.demo.replay import Answer, Latency
    from sidecar.demo.trail import Story, Trail

HISTOGRAM_BINS = 10
OUT_OF_BAND = "score_out_of_band"
EXAMPLE = "data_stale"
"""A refusal whose record shows the most: attributes, consent, rule and message."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Calls refused for one set of reasons, with the status they got and what had been sent."""

    codes: tuple[str, ...]
    status: int
    count: int
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Released predictions of one protected group, from the audit trail. Rates and means lie between 0 and 1.

    `bank_approved` is what the banks decided on the same people in 1990; `histogram` counts scores in
    `HISTOGRAM_BINS` equal bins from 0 to 1.
    """

    name: str
    released: int
    mean_score: float
    policy_mean: float
    approved: float
    bank_approved: float
    out_of_band: int
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WouldDeny:
    """Released all the same, because the rule is in shadow."""

    rule: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Added:
    """Round-trip milliseconds, one call at a time, `pairs` times each way."""

    pairs: int
    direct_p50_ms: float
    direct_p99_ms: float
    added_p50_ms: float
    added_p99_ms: float


@dataclass(frozen=True, slots=True)
class Findings:
    """What the replay and the trail say."""

    sent: int
    forwarded: int
    refusals: tuple[Refusal, ...]
    groups: tuple[Group, ...]
    would_deny: tuple[WouldDeny, ...]
    fairness: Fairness
    latency: Added
    records: int
    example_id: str
    differences: tuple[str, ...]

    @property
    def refused(self) -> int:
        """How many calls were refused."""
        return sum(refusal.count for refusal in self.refusals)

    def as_json(self) -> dict[str, Any]:
        """All of it, for `--json`."""
        return {**asdict(self), "refused": self.refused}


def summarise(
    answers: Sequence[Answer],
    trail: Trail,
    latency: Latency,
    *,
    policy_means: Mapping[str, float],
    fairness: Fairness,
    differences: Sequence[str],
) -> Findings:
    """The findings of a replay; `answers` are the replay's alone, not those of the measurement or the second phase."""
    pairs = [(answer, trail.stories[answer.decision_id]) for answer in answers if answer.decision_id in trail.stories]
    released = [(answer, story) for answer, story in pairs if story.result == "released"]
    return Findings(
        sent=len(answers),
        forwarded=sum("INTENT" in story.kinds for _, story in pairs),
        refusals=_refusals(answers),
        groups=tuple(row for row in (_group(name, released, policy_means) for name in GROUPS) if row),
        would_deny=_would_deny(story for _, story in pairs),
        fairness=fairness,
        latency=_added(latency),
        records=trail.records,
        example_id=_example(answers),
        differences=tuple(differences),
    )


def _refusals(answers: Sequence[Answer]) -> tuple[Refusal, ...]:
    refused = [answer for answer in answers if answer.codes]
    counts = Counter((answer.codes, answer.status) for answer in refused)
    told = {key: tuple(dict.fromkeys(a.kind.told for a in refused if (a.codes, a.status) == key)) for key in counts}
    rows = (Refusal(codes, status, count, told[codes, status]) for (codes, status), count in counts.items())
    return tuple(sorted(rows, key=lambda row: (-row.count, row.codes)))


def _group(name: str, released: Sequence[tuple[Answer, Story]], policy_means: Mapping[str, float]) -> Group | None:
    mine = [(answer, story) for answer, story in released if story.group == name]
    scores = [story.score for _, story in mine if story.score is not None]
    if not scores:
        return None
    return Group(
        name=name,
        released=len(mine),
        mean_score=fmean(scores),
        policy_mean=policy_means[name],
        approved=fmean(story.positive for _, story in mine),
        bank_approved=fmean(answer.application.approved for answer, _ in mine),
        out_of_band=sum(any(code == OUT_OF_BAND for _, code in story.shadow) for _, story in mine),
        histogram=_histogram(scores),
    )


def _histogram(scores: Sequence[float]) -> tuple[int, ...]:
    counts = Counter(min(HISTOGRAM_BINS - 1, int(score * HISTOGRAM_BINS)) for score in scores)
    return tuple(counts[number] for number in range(HISTOGRAM_BINS))


def _would_deny(stories: Iterable[Story]) -> tuple[WouldDeny, ...]:
    # A rule may give several reasons of one code for one call: that is one call.
    counts = Counter(finding for story in stories for finding in set(story.shadow))
    return tuple(WouldDeny(rule, code, count) for (rule, code), count in counts.most_common())


def _added(latency: Latency) -> Added:
    return Added(
        pairs=len(latency.direct_ms),
        direct_p50_ms=at(0.50, latency.direct_ms),
        direct_p99_ms=at(0.99, latency.direct_ms),
        added_p50_ms=latency.added_ms(0.50),
        added_p99_ms=latency.added_ms(0.99),
    )


def _example(answers: Sequence[Answer]) -> str:
    refused = [answer for answer in answers if answer.codes and answer.decision_id]
    return next((a.decision_id for a in refused if a.codes == (EXAMPLE,)), refused[0].decision_id if refused else "")
