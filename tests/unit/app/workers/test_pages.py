from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.exposition import generate_latest

from sidecar.app.workers.pages import OPEN_METRICS, merged


def page(refused: int, seconds: float) -> str:
    """A worker's."""
    disable_created_metrics()  # as `Meters` does
    registry = CollectorRegistry()
    refusals = Counter("sidecar_refusals_total", "Reasons", ["reason"], registry=registry)
    refusals.labels('a "b"\\c').inc(refused)
    durations = Histogram("sidecar_duration_seconds", "Time", registry=registry, buckets=(0.1, 1.0))
    durations.observe(seconds, {"trace_id": "ab" * 16})
    Gauge("sidecar_connections", "Open", registry=registry).set(refused)
    return generate_latest(registry).decode()


def own() -> list[GaugeMetricFamily]:
    up = GaugeMetricFamily("sidecar_worker_up", "1: it answers", labels=["worker"])
    up.add_metric(["0"], 1.0)
    return [up]


def lines(accept: str) -> list[str]:
    content, _ = merged({"0": page(3, 0.05), "1": page(4, 0.5)}, own(), accept)
    return content.decode().splitlines()


def test_every_sample_says_whose_it_is_and_each_metric_stands_once() -> None:
    found = lines("text/plain")
    assert [line for line in found if line.startswith("# TYPE")] == [
        "# TYPE sidecar_worker_up gauge",
        "# TYPE sidecar_refusals_total counter",
        "# TYPE sidecar_duration_seconds histogram",
        "# TYPE sidecar_connections gauge",
    ]
    assert 'sidecar_refusals_total{reason="a \\"b\\"\\\\c",worker="0"} 3.0' in found
    assert 'sidecar_refusals_total{reason="a \\"b\\"\\\\c",worker="1"} 4.0' in found
    assert 'sidecar_duration_seconds_bucket{le="0.1",worker="0"} 1.0' in found
    assert 'sidecar_duration_seconds_bucket{le="0.1",worker="1"} 0.0' in found
    assert 'sidecar_connections{worker="1"} 4.0' in found
    assert 'sidecar_worker_up{worker="0"} 1.0' in found


def test_exemplars_come_along_where_they_are_asked_for() -> None:
    found = lines(OPEN_METRICS)
    assert found[-1] == "# EOF"
    [bucket] = [line for line in found if line.startswith('sidecar_duration_seconds_bucket{le="1.0",worker="1"}')]
    assert '# {trace_id="' + "ab" * 16 + '"} 0.5' in bucket


def test_the_form_is_that_which_is_asked_for() -> None:
    media_types = [merged({}, own(), accept)[1] for accept in ("text/plain", OPEN_METRICS)]
    assert [media_type.split(";")[0] for media_type in media_types] == ["text/plain", "application/openmetrics-text"]


def test_what_is_no_page_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"."):
        merged({"0": "<html>\n"}, own(), "text/plain")
