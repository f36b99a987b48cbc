"""What a log says of fairness, as values: the text and the pictures show them, `--json` gives them to a machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sidecar.evidence.fairness.course import Moment, Point


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group's predictions, released and refused. Rates and their bounds lie between 0 and 1.

    `rate_*` bound the positive rate, at 95 %; `mean_*` the mean score, at every look. None: not declared, or too few.
    """

    group: str
    n: int
    refused: int
    positive_rate: float | None
    rate_lower: float | None
    rate_upper: float | None
    mean_score: float | None
    mean_lower: float | None
    mean_upper: float | None


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric of group fairness by Fairlearn's name, or AIF360's, with its interval at 95 %. None: too few."""

    name: str
    value: float | None
    lower: float | None
    upper: float | None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ModelReport:
    """One model and version.

    `state` is the window's at the end, as rules see it; `limit` is the policy's for disparate impact, `alpha` the error
    of its test an epoch. `labelled` counts predictions whose true outcome is known. `points` are a sample;
    `moments_total` counts all moments where `moments` has only the first.
    """

    model: str
    version: str | None
    predictions: int
    labelled: int
    state: str
    first_unix_s: float
    last_unix_s: float
    limit: float | None
    alpha: float
    epoch_s: int
    groups: tuple[GroupRow, ...]
    measures: tuple[Measure, ...]
    points: tuple[Point, ...]
    moments: tuple[Moment, ...]
    moments_total: int

    @property
    def proven(self) -> float | None:
        """What the ratio certainly exceeded at some time, by the highest bound of all epochs; None: nothing."""
        return max((point.lower for point in self.points if point.lower is not None), default=None)

    @property
    def last(self) -> Point | None:
        """How it stood at the end."""
        return self.points[-1] if self.points else None


@dataclass(frozen=True, slots=True)
class Report:
    """All models, by name and version.

    `unreadable` records were passed over; `left_out` predictions were of more models and versions than are watched.
    `labels` is how many there are in the file.
    """

    models: tuple[ModelReport, ...]
    records: int
    unreadable: int
    left_out: int
    labels: int

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)
