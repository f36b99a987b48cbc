from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, disable_created_metrics
from prometheus_client import Histogram as Reference
from prometheus_client.openmetrics.exposition import generate_latest

from sidecar.admin.histograms import Histogram
from sidecar.telemetry import metrics as names

if TYPE_CHECKING:
    from prometheus_client.registry import Collector

METRIC = names.STAGE_DURATION


def page(collector: Collector) -> str:
    registry = CollectorRegistry()
    registry.register(collector)
    return generate_latest(registry).decode()


@given(st.lists(st.tuples(st.sampled_from(names.STAGES), st.sampled_from(METRIC.buckets) | st.floats(0, 100))))
def test_the_page_is_that_of_the_reference_client(observed: list[tuple[str, float]]) -> None:
    """A bound itself belongs to its bucket."""
    disable_created_metrics()
    ours = Histogram(METRIC, names.STAGES)
    labels = [label.name for label in METRIC.labels]
    theirs = Reference(METRIC.name, METRIC.help, labels, registry=None, buckets=METRIC.buckets)
    for stage in names.STAGES:
        theirs.labels(stage)
    for stage, amount in observed:
        ours.of[stage].observe(amount)
        theirs.labels(stage).observe(amount)
    assert page(ours) == page(theirs)


def test_a_bucket_shows_its_last_exemplar() -> None:
    histogram = Histogram(METRIC, ["intent"])
    low, high = METRIC.buckets[0], METRIC.buckets[-1] + 1
    for amount, trace_id in ((low, "a"), (low, "b"), (high, "c")):
        histogram.of["intent"].observe_traced(amount, trace_id, 1_795_300_000.0)
    [family] = histogram.collect()
    exemplars = [(s.labels["le"], s.exemplar) for s in family.samples if s.exemplar]
    assert exemplars == [
        (repr(low), ({"trace_id": "b"}, low, 1_795_300_000.0)),
        ("+Inf", ({"trace_id": "c"}, high, 1_795_300_000.0)),
    ]
