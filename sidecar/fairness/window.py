"""The fairness window as a port: what a prediction tells it, what a rule is told by it, what an operator sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sidecar.fairness.throttle import Throttle
from sidecar.model.facts import UNKNOWN_GROUP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.fairness.throttle import Armed, Released
    from sidecar.model.facts import ModelFacts

UNKNOWN = UNKNOWN_GROUP
"""Shown, and never tested."""

MINUTE_S = 60
"""What a bucket holds."""

INSUFFICIENT, OK, DEGRADED = "insufficient_data", "ok", "degraded"
"""The states of a window (contract 4). Rules let the first pass; they treat the others alike."""


@dataclass(frozen=True, slots=True)
class WindowTerms:
    """How far a window looks back, and when it is sure."""

    spans_s: tuple[int, ...] = (900, 86_400)
    """What estimates are shown over. The longest is the one that rules see."""
    epoch_s: int = 86_400
    """A test's life: false alarms a year are a year's epochs times `alpha`."""
    alpha: float = 0.01
    """How often at most a test may be wrong when it says `certain`."""
    warn_alpha: float = 0.05
    """The same of `warned`, on which nothing acts."""
    watches_limit: int = 256
    """Models and versions that are watched at once; versions may come from requests' paths."""
    settle_s: float = 2.0
    """How old a second must be before it is tested: answers of its requests come in, and other replicas' counts."""
    stale_s: float = 5.0
    """A shared store that was not heard of for so long makes the window `degraded`."""

    def __post_init__(self) -> None:
        if not self.spans_s or any(span_s < MINUTE_S or span_s % MINUTE_S for span_s in self.spans_s):
            raise ValueError("spans are whole minutes, at least one of them")

    @property
    def span_s(self) -> int:
        """The span that rules see."""
        return max(self.spans_s)


_NO_GROUPS: Mapping[str, Mapping[str, float | None]] = {}


class WindowSnapshot(NamedTuple):
    """The window of one model and version as it stood before the prediction under test (contract 4).

    `groups` maps a group to its figures; `disparate_impact` holds the ratio's, as the contract spells them.
    """

    state: str
    span_s: int = 86_400
    groups: Mapping[str, Mapping[str, float | None]] = _NO_GROUPS
    disparate_impact: Mapping[str, object] | None = None

    def as_input(self) -> dict[str, object]:
        """`window` of the policy input."""
        return {
            "state": self.state,
            "span_s": self.span_s,
            "groups": self.groups,
            "disparate_impact": self.disparate_impact,
        }


class Observation(NamedTuple):
    """One judged prediction, released or not.

    `unix_s` is the sidecar's clock at INTENT. `groups` has one entry, or one an instance, or none where the request
    names none; `scores` and `positive` have one an instance, or are None where the model declares none.
    """

    decision_id: str
    model: str
    version: str | None
    unix_s: float
    groups: tuple[str, ...]
    scores: tuple[float, ...] | None
    positive: tuple[bool, ...] | None
    instances: int
    released: bool


class Window(Protocol):
    """Where predictions are counted, and looked at: the exchange's side. Neither call waits for anything."""

    def snapshot(self, facts: ModelFacts, version: str | None) -> WindowSnapshot:
        """The window as it stands."""
        ...

    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        """Counts one prediction, once for each decision id. What cannot be counted is ignored and told in `status`."""
        ...


class Store(Window, Throttle, Protocol):
    """A window and its throttles as whoever runs the sidecar sees them."""

    def tend(self, now_unix_s: float | None = None) -> None:
        """What is due by the time of day: tests go on, buckets expire. To be called about once a second."""
        ...

    def restore(self, told: Armed | Released) -> None:
        """Takes an event of an earlier life from the audit log, in its place among the observations.

        A hold whose release the log does not tell is told by `released()`.
        """
        ...

    def status(self) -> StoreStatus:
        """All that there is to show, as plain values."""
        ...


@dataclass(frozen=True, slots=True)
class GroupStatus:
    """One group within one span. `positive_rate`, `mean` and its bounds are None where there is too little."""

    group: str
    n: int
    refused: int
    positive_rate: float | None
    mean: float | None
    mean_lower: float | None
    mean_upper: float | None
    deviation: float | None


@dataclass(frozen=True, slots=True)
class SpanStatus:
    """Estimates over one span, of all judged predictions. `ratio` is the highest positive rate over the lowest.

    Its 95 % interval is for one look at these two groups; what is certain is the test's to say.
    """

    span_s: int
    ratio: float | None
    ratio_lower: float | None
    ratio_upper: float | None
    favoured: str | None
    disfavoured: str | None
    groups: tuple[GroupStatus, ...]


@dataclass(frozen=True, slots=True)
class TestStatus:
    """The test of this epoch, since the last arming: it is certain from a wealth of 1 / alpha on."""

    __test__ = False  # no test of pytest's

    limit: float
    epoch: int
    wealth: float
    certain: bool
    warned: bool
    lower: float | None
    favoured: str | None
    disfavoured: str | None


@dataclass(frozen=True, slots=True)
class WatchStatus:
    """One model and version. `test` is None where its facts declare no limit, groups or positive outcome."""

    model: str
    version: str | None
    state: str
    spans: tuple[SpanStatus, ...]
    test: TestStatus | None
    armed: Armed | None
    buckets: int


@dataclass(frozen=True, slots=True)
class StoreStatus:
    """`ignored` counts observations by cause, all causes named. `lag_s` is the age of what is known of other replicas:
    None in memory, counted from the start before the first time."""

    store: str
    watches: tuple[WatchStatus, ...]
    ignored: Mapping[str, int]
    unknown_instances: int
    armed: tuple[Armed, ...]
    lag_s: float | None = None
    problem: str | None = None
