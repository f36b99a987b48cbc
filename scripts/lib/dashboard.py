"""The Grafana dashboard of the chart, made of the metrics that there are: names, units and descriptions are theirs."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sidecar.telemetry import metrics as m

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sidecar.telemetry.metrics import Metric, MetricKind

UNITS = {"s": "s", "By": "bytes", "1": "short"}
COLUMNS, WIDTH, HEIGHT = 3, 8, 7
SOURCE = {"type": "prometheus", "uid": "${source}"}


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph of one metric; `query` has `{}` where the metric with its selector stands, `by` names each line.

    `beside`: others in the same graph.
    """

    metric: Metric
    query: str
    by: tuple[str, ...] = ()
    unit: str = ""
    beside: tuple[Panel, ...] = ()


def rate(metric: Metric, *by: str) -> Panel:
    """How often a second."""
    return Panel(metric, f"sum{_by(by)} (rate({{}}[$__rate_interval]))", by, "ops")


def worst(metric: Metric, *by: str) -> Panel:
    """The greatest of all pods."""
    return Panel(metric, f"max{_by(by)} ({{}})", by)


def slow(metric: Metric, *by: str) -> Panel:
    """The 99th percentile."""
    return Panel(metric, f"histogram_quantile(0.99, sum{_by(('le', *by))} (rate({{}}[$__rate_interval])))", by)


def _by(labels: Sequence[str]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


def _other(name: str, kind: MetricKind, text: str, unit: str = "1") -> Metric:
    """One of the registry or the injector, which have theirs where they count them."""
    return m.Metric(name, kind, unit, text)


COUNTER, GAUGE = m.MetricKind.COUNTER, m.MetricKind.GAUGE
REGISTRY_CHANGES = _other("sidecar_registry_changes_total", COUNTER, "Changes in the registry")
REGISTRY_FAILURES = _other("sidecar_registry_build_failures_total", COUNTER, "Bundles that could not be made")
REGISTRY_WAITERS = _other("sidecar_registry_waiters", GAUGE, "Engines that wait for a change")
REVIEWS = _other("sidecar_injector_reviews_total", COUNTER, "Pods reviewed")
REVIEW_SECONDS = _other("sidecar_injector_review_seconds", m.MetricKind.HISTOGRAM, "How long a review took", "s")
CERTIFICATE_ENDS = _other("sidecar_injector_certificate_end_timestamp_seconds", GAUGE, "Until a certificate ends", "s")

ROWS: dict[str, tuple[Panel, ...]] = {
    "Calls": (
        rate(m.EXCHANGES, "result", "model"),
        slow(m.EXCHANGE_DURATION, "endpoint"),
        slow(m.STAGE_DURATION, "stage"),
    ),
    "Decisions": (
        rate(m.REFUSALS, "reason", "model"),
        rate(m.WOULD_DENY, "rule", "model"),
        rate(m.CONSENT_RESULTS, "status"),
        rate(m.FLAGGED_TOTAL, "rule", "model"),
        rate(m.DECISION_CACHE, "lookup"),
        rate(m.EXPLANATIONS, "outcome"),
    ),
    "Policy": (
        Panel(m.POLICY_INFO, "count by (engine, revision) ({})", ("engine", "revision")),
        worst(m.BUNDLE_AGE, "bundle"),
        worst(m.BUNDLE_PROBLEM, "bundle", "pod"),
        worst(m.BUNDLE_ROLLED_BACK, "bundle", "pod"),
        worst(m.POLICY_REFUSING, "pod"),
        rate(m.POLICY_RELOAD_FAILURES, "pod"),
    ),
    "Audit": (
        rate(m.AUDIT_RECORDS, "kind"),
        rate(m.AUDIT_FAILURES, "pod"),
        worst(m.AUDIT_UNSIGNED, "pod"),
        worst(m.SHIP_LAG, "destination", "pod"),
        worst(m.SHIP_CHECKPOINT_AGE, "destination", "pod"),
        rate(m.SHIP_CONFLICTS, "destination", "pod"),
    ),
    "Fairness": (
        replace(
            worst(m.IMPACT_RATIO, "model", "span"),
            beside=(worst(m.IMPACT_LOWER, "model"), worst(m.IMPACT_LIMIT, "model")),
        ),
        Panel(m.WINDOW_POSITIVE_RATE, "avg by (model, group, span) ({})", ("model", "group", "span"), "percentunit"),
        worst(m.THROTTLE_ARMED, "model"),
        worst(m.WINDOW_LAG, "pod"),
    ),
    "Load": (
        Panel(m.CONNECTIONS, "sum by (pod) ({})", ("pod",)),
        Panel(m.BODY_BYTES, "sum by (pod) ({})", ("pod",)),
        rate(m.ENGINE_RESTARTS, "pod"),
    ),
    "Registry and injector": (
        rate(REGISTRY_CHANGES, "kind"),
        rate(REGISTRY_FAILURES, "bundle"),
        Panel(REGISTRY_WAITERS, "sum ({})"),
        rate(REVIEWS, "webhook", "result"),
        slow(REVIEW_SECONDS, "webhook"),
        Panel(CERTIFICATE_ENDS, "min by (certificate) ({}) - time()", ("certificate",)),
    ),
}


def dashboard() -> str:
    """files/dashboard.json, a panel a line."""
    panels = ",\n  ".join(json.dumps(panel, ensure_ascii=False) for panel in _placed())
    head = {"title": "model-policy-sidecar", "uid": "model-policy-sidecar", "schemaVersion": 39, "refresh": "30s"}
    head |= {"tags": ["model-policy-sidecar"], "time": {"from": "now-6h", "to": "now"}, "editable": False}
    members = [f" {json.dumps(key)}: {json.dumps(value)}" for key, value in head.items()]
    members += [f' "templating": {json.dumps({"list": _variables()})}', f' "panels": [\n  {panels}\n ]']
    return "{\n" + ",\n".join(members) + "\n}\n"


def _placed() -> Iterator[dict[str, Any]]:
    numbers, y = itertools.count(1), 0
    for title, panels in ROWS.items():
        yield {"id": next(numbers), "type": "row", "title": title, "gridPos": _place(0, y, COLUMNS * WIDTH, 1)}
        y += 1
        for index, panel in enumerate(panels):
            x, row = index % COLUMNS * WIDTH, index // COLUMNS * HEIGHT
            yield {"id": next(numbers), "gridPos": _place(x, y + row, WIDTH, HEIGHT), **_graph(panel)}
        y += -(-len(panels) // COLUMNS) * HEIGHT


def _place(x: int, y: int, w: int, h: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": w, "h": h}


def _graph(panel: Panel) -> dict[str, Any]:
    percentile = " (99th percentile)" if _is_histogram(panel.metric) else ""
    return {
        "type": "timeseries",
        "title": panel.metric.help + percentile,
        "datasource": SOURCE,
        "fieldConfig": {"defaults": {"unit": panel.unit or UNITS[panel.metric.unit], "min": 0}, "overrides": []},
        "targets": [_target(chr(ord("A") + n), each) for n, each in enumerate((panel, *panel.beside))],
    }


def _target(letter: str, panel: Panel) -> dict[str, str]:
    series = f"{panel.metric.name}{'_bucket' if _is_histogram(panel.metric) else ''}{{{_chosen(panel.metric)}}}"
    legend = " ".join([panel.metric.name.removeprefix("sidecar_"), *(f"{{{{{label}}}}}" for label in panel.by)])
    return {"refId": letter, "expr": panel.query.format(series), "legendFormat": legend}


def _is_histogram(metric: Metric) -> bool:
    return metric.kind is m.MetricKind.HISTOGRAM


def _chosen(metric: Metric) -> str:
    """Of guarded pods the chosen ones; registry and injector are in another namespace."""
    return 'namespace=~"$namespace", pod=~"$pod"' if metric in m.METRICS else ""


def _variables() -> list[dict[str, Any]]:
    common = {"type": "query", "datasource": SOURCE, "refresh": 2, "multi": True, "includeAll": True, "allValue": ".*"}
    of_pods = f'label_values({m.POLICY_INFO.name}{{namespace=~"$namespace"}}, pod)'
    return [
        {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
        {"name": "namespace", **common, "query": f"label_values({m.POLICY_INFO.name}, namespace)"},
        {"name": "pod", **common, "query": of_pods},
    ]
