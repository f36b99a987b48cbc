"""Histograms that each exchange observes, and Prometheus reads a few times a minute.

prometheus-client's own walk their buckets and take a lock at each observation, of which an exchange makes six; what
is written here is its exposition, from its own family.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from prometheus_client.metrics_core import Metric as Family

    from sidecar.telemetry.metrics import Metric

TRACE_ID = "trace_id"


class Observations:
    """Those under one label value; for one thread. `bounds` are the buckets' upper ones, in order, without infinity."""

    __slots__ = ("_bounds", "_counts", "_exemplars", "_sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._exemplars: dict[int, tuple[str, float, float]] = {}
        self._sum = 0.0

    def observe(self, amount: float) -> int:
        """Counts it; gives the bucket that it went to. A bound belongs to its bucket (`le`)."""
        bucket = bisect_left(self._bounds, amount)
        self._counts[bucket] += 1
        self._sum += amount
        return bucket

    def observe_traced(self, amount: float, trace_id: str, unix_s: float) -> None:
        """Also keeps it as its bucket's exemplar, in place of the one before."""
        self._exemplars[self.observe(amount)] = (trace_id, amount, unix_s)

    def add_to(self, family: HistogramMetricFamily, label: str) -> None:
        """Shows what there is now."""
        names = [*(repr(float(bound)) for bound in self._bounds), "+Inf"]
        buckets = [
            (name, float(count), self._exemplar(index))
            for index, (name, count) in enumerate(zip(names, accumulate(self._counts), strict=True))
        ]
        family.add_metric([label], buckets, self._sum)  # pyright: ignore[reportArgumentType]  # it may be None there, too

    def _exemplar(self, bucket: int) -> Exemplar | None:
        if bucket not in self._exemplars:
            return None
        trace_id, amount, unix_s = self._exemplars[bucket]
        return Exemplar({TRACE_ID: trace_id}, amount, unix_s)


class Histogram(Collector):
    """A metric with one label, all of whose values are known: each is there from the start, empty."""

    def __init__(self, metric: Metric, values: Sequence[str]) -> None:
        self._metric = metric
        self.of = {value: Observations(metric.buckets) for value in values}

    def collect(self) -> Iterator[Family]:
        """See Collector."""
        labels = [label.name for label in self._metric.labels]
        family = HistogramMetricFamily(self._metric.name, self._metric.help, labels=labels)
        for value, observations in self.of.items():
            observations.add_to(family, value)
        yield family
