"""How a model's disparity went, prediction by prediction: a few points to plot, and every moment that matters."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

POINTS_LIMIT = 2_000
"""More than a plot has pixels. Beyond it every second point goes, and from then on half as many are taken."""
MOMENTS_LIMIT = 1_000
"""An hourly throttle for a month; whatever comes later is counted only."""


@dataclass(frozen=True, slots=True)
class Point:
    """The window after so many predictions. `ratio` is the estimate, `lower` its anytime-valid bound; None: not yet."""

    predictions: int
    unix_s: float
    ratio: float | None
    lower: float | None


class What(enum.StrEnum):
    """What happened at a moment."""

    EPOCH = "epoch"
    """A new epoch began, and with it a fresh test."""
    WARNED = "warned"
    """The evidence crossed the warning tier."""
    CERTAIN = "certain"
    """The evidence crossed the level at which the policy acts."""
    ARMED = "armed"
    """The policy throttled the model (an event on record)."""
    RELEASED = "released"
    """The throttle's hold ended (an event on record), and a fresh test began."""


MEANINGS = {
    What.EPOCH: "new epoch",
    What.WARNED: "warned",
    What.CERTAIN: "certain",
    What.ARMED: "throttled",
    What.RELEASED: "released",
}
"""In a word each, for people."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`predictions`: how many the model had made by then."""

    what: What
    predictions: int
    unix_s: float


@dataclass(slots=True)
class Course:
    """Collects points and moments of one model and version, in bounded memory."""

    points_limit: int = POINTS_LIMIT
    moments_limit: int = MOMENTS_LIMIT
    points: list[Point] = field(default_factory=list[Point])
    moments: list[Moment] = field(default_factory=list[Moment])
    moments_total: int = 0
    stride: int = 1
    """One point every so many predictions."""

    def is_due(self, predictions: int) -> bool:
        """Whether a point is wanted after so many predictions."""
        return not self.points or predictions >= self.points[-1].predictions + self.stride

    def add(self, point: Point) -> None:
        """Takes a point, later than all before."""
        self.points.append(point)
        if len(self.points) >= self.points_limit:
            self.points = self.points[::2]
            self.stride *= 2

    def happened(self, what: What, predictions: int, unix_s: float) -> None:
        """Takes a moment, later than all before."""
        self.moments_total += 1
        if len(self.moments) < self.moments_limit:
            self.moments.append(Moment(what, predictions, unix_s))
