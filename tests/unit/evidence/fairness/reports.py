"""A report as values, for those who show it."""

from __future__ import annotations

from sidecar.evidence.fairness.course import Moment, Point, What
from sidecar.evidence.fairness.report import GroupRow, Measure, ModelReport, Report

MODEL = ModelReport(
    model="credit",
    version=None,
    predictions=100,
    labelled=0,
    state="ok",
    first_unix_s=1_795_300_000.0,
    last_unix_s=1_795_300_100.5,
    limit=1.5,
    alpha=0.01,
    epoch_s=86_400,
    groups=(
        GroupRow("white", 80, 2, 0.9, 0.8125, 0.9487, 0.75, 0.7, 0.8),
        GroupRow("unknown", 20, 0, None, None, None, None, None, None),
    ),
    measures=(Measure("disparate impact", 1.75, 1.5, 2.0, "white over black"), Measure("ratio", None, None, None)),
    points=tuple(Point(number, 0.0, 1.75, None if number > 60 else 1.0 + number / 100) for number in range(1, 101)),
    moments=(
        Moment(What.CERTAIN, 60, 1_795_300_060.0),
        Moment(What.ARMED, 60, 1_795_300_060.25),
        Moment(What.RELEASED, 90, 1_795_300_090.0),
    ),
    moments_total=3,
)
REPORT = Report((MODEL,), records=250, unreadable=0, left_out=0, labels=0)
