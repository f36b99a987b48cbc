"""What the fairness windows hold, for the metrics page and for `/status`."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sidecar.telemetry import metrics as names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.admin.meters import Reading
    from sidecar.fairness.window import SpanStatus, StoreStatus, WatchStatus

Sample = tuple[list[str], float]


def window_readings(seen: StoreStatus) -> Iterator[Reading]:
    """By model, version and group: estimates, and what is certain."""
    spans = [(watch, span) for watch in seen.watches for span in watch.spans]
    yield names.WINDOW_PREDICTIONS, [sample for watch, span in spans for sample in _predictions(watch, span)]
    yield (
        names.WINDOW_POSITIVE_RATE,
        [
            ([*_names(watch), group.group, str(span.span_s)], group.positive_rate)
            for watch, span in spans
            for group in span.groups
            if group.positive_rate is not None
        ],
    )
    yield (
        names.WINDOW_MEAN_SCORE,
        [
            ([*_names(watch), group.group, str(span.span_s)], group.mean)
            for watch, span in spans
            for group in span.groups
            if group.mean is not None
        ],
    )
    yield (
        names.IMPACT_RATIO,
        [([*_names(watch), str(span.span_s)], span.ratio) for watch, span in spans if span.ratio is not None],
    )
    yield from _tests(seen)
    yield from _store(seen)


def window_status(seen: StoreStatus) -> dict[str, object]:
    """All of it, as JSON."""
    return asdict(seen)


def _predictions(watch: WatchStatus, span: SpanStatus) -> Iterator[Sample]:
    for group in span.groups:
        labels = [*_names(watch), group.group, str(span.span_s)]
        yield [*labels, "released"], group.n - group.refused
        yield [*labels, "refused"], group.refused


def _tests(seen: StoreStatus) -> Iterator[Reading]:
    tested = [(_names(watch), watch.test) for watch in seen.watches if watch.test is not None]
    yield names.IMPACT_LOWER, [(labels, test.lower) for labels, test in tested if test.lower is not None]
    yield names.IMPACT_LIMIT, [(labels, test.limit) for labels, test in tested]
    yield (
        names.IMPACT_TIER,
        [
            ([*labels, tier], float(holds))
            for labels, test in tested
            for tier, holds in (("warned", test.warned), ("certain", test.certain))
        ],
    )


def _store(seen: StoreStatus) -> Iterator[Reading]:
    yield names.THROTTLE_ARMED, [([armed.model, armed.version or ""], 1.0) for armed in seen.armed]
    yield names.WINDOW_WATCHES, [([], len(seen.watches))]
    yield names.WINDOW_BUCKETS, [([], sum(watch.buckets for watch in seen.watches))]
    yield names.WINDOW_IGNORED, [([cause], count) for cause, count in seen.ignored.items()]
    yield names.WINDOW_UNKNOWN, [([], seen.unknown_instances)]
    yield names.WINDOW_LAG, [] if seen.lag_s is None else [([], seen.lag_s)]


def _names(watch: WatchStatus) -> list[str]:
    return [watch.model, watch.version or ""]
