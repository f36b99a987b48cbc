from __future__ import annotations

import subprocess
import sys

from sidecar.telemetry import metrics, spans
from sidecar.telemetry.metrics import MetricKind
from sidecar.telemetry.spans import Attribute


def attributes() -> list[Attribute]:
    of_spans = [each for span in spans.SPANS for each in span.attributes]
    of_events = [each for span in spans.SPANS for event in span.events for each in event.attributes]
    return [*spans.RESOURCE, *of_spans, *of_events]


def test_every_registered_object_is_in_use_and_every_name_stands_once() -> None:
    made = [value for value in vars(spans).values() if isinstance(value, Attribute)]
    assert {each.name for each in made} <= {each.name for each in attributes()}
    assert len({each.name: each for each in attributes()}) == len(set(attributes()))
    shown = [metric.name for metric in metrics.METRICS]
    assert len(shown) == len(set(shown)) > 20


def test_names_are_ours_or_those_of_the_semantic_conventions() -> None:
    from opentelemetry.semconv.attributes import error_attributes, http_attributes, service_attributes, url_attributes

    conventions = {
        value
        for module in (http_attributes, url_attributes, error_attributes, service_attributes)
        for name, value in vars(module).items()
        if name.isupper()
    } | {"service.instance.id"}
    assert {each.name for each in attributes() if not each.name.startswith("sidecar.")} <= conventions
    assert all(event.name.startswith("sidecar.") for span in spans.SPANS for event in span.events)
    assert all(metric.name.startswith("sidecar_") for metric in metrics.METRICS)


def test_metrics_follow_the_rules_of_prometheus() -> None:
    """https://prometheus.io/docs/practices/naming/"""
    for metric in metrics.METRICS:
        assert metric.help
        assert metric.name.endswith("_total") is (metric.kind is MetricKind.COUNTER), metric.name
        assert bool(metric.buckets) is (metric.kind is MetricKind.HISTOGRAM), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
        assert all(label.values for label in metric.labels)
        assert ("_seconds" in metric.name) is (metric.unit == "s"), metric.name
        assert ("_bytes" in metric.name) is (metric.unit == "By"), metric.name


def test_the_registry_imports_no_sdk() -> None:
    modules = ("opentelemetry", "prometheus_client")
    code = f"import sys, sidecar.telemetry.metrics; print(*(name in sys.modules for name in {modules}))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert ran.stdout == "False False\n"
