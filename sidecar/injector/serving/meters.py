"""What the injector counts: `/metrics`, for Prometheus. Names begin with `sidecar_injector_`."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client.metrics_core import Metric

NAME = "sidecar_injector_"
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Result(enum.StrEnum):
    """How a review ended."""

    PATCHED = "patched"
    ALLOWED = "allowed"
    REFUSED = "refused"
    BAD = "bad"
    FAILED = "failed"


class Meters:
    """All metrics of one process. Labels are bounded: the two webhooks, results, the three certificates."""

    def __init__(self) -> None:
        disable_created_metrics()  # a timestamp beside each counter: nobody reads it
        self._all = every = CollectorRegistry()
        self.reviews = Counter(
            NAME + "reviews", "Pods reviewed, by webhook and result.", ("webhook", "result"), registry=every
        )
        self.seconds = Histogram(
            NAME + "review_seconds", "How long a review took.", ("webhook",), registry=every, buckets=_BUCKETS_S
        )

    def watch(self, ends_unix_s: Callable[[], Mapping[str, float]], problems: Callable[[], Sequence[str]]) -> None:
        """Also shows when certificates end, and how many things stand in the way, read anew for each page."""
        self._all.register(_Readings(ends_unix_s, problems))

    def page(self, accept: str) -> tuple[bytes, str]:
        """The page, and its media type, for an `Accept` header."""
        encode, media_type = choose_encoder(accept)
        return encode(self._all), media_type


class _Readings(Collector):
    def __init__(self, ends_unix_s: Callable[[], Mapping[str, float]], problems: Callable[[], Sequence[str]]) -> None:
        self._ends_unix_s = ends_unix_s
        self._problems = problems

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        ends = GaugeMetricFamily(
            NAME + "certificate_end_timestamp_seconds", "When a certificate ends.", labels=["certificate"]
        )
        for certificate, end_unix_s in self._ends_unix_s().items():
            ends.add_metric([certificate], end_unix_s)
        yield ends
        text = "Things that stand in the way and are tried again; /health/ready lists them."
        yield GaugeMetricFamily(NAME + "problems", text, value=len(self._problems()))

    def describe(self) -> Iterator[Metric]:
        """Nothing: it would be read at registration."""
        yield from ()
