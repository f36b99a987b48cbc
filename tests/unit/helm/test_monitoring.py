from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml

from sidecar.injector.serving.meters import Meters as InjectorMeters
from sidecar.registry.api.meters import Meters as RegistryMeters
from sidecar.registry.shelf.waiting import Shelf
from sidecar.telemetry.metrics import METRICS, MetricKind
from tests.unit.helm.charts import NAME, NAMESPACE, ROOT, Json, of_kind, render, the

MONITORED: Json = {"monitoring": {"monitors": True, "rules": True, "dashboard": True, "labels": {"release": "prom"}}}
SERIES = re.compile(r"(sidecar_\w+)\{([^}]*)\}")
GROUPED = re.compile(r"by \(([^)]*)\)")
TARGETS_OWN = {"le", "pod", "namespace"}


@pytest.fixture(scope="module")
def objects() -> list[Json]:
    return render(MONITORED)


def dashboard(objects: list[Json]) -> Any:
    (text,) = the(objects, "ConfigMap", "dashboard")["data"].values()
    return json.loads(text)


def expressions(objects: list[Json]) -> list[str]:
    return [target["expr"] for panel in dashboard(objects)["panels"] for target in panel.get("targets", ())]


def labels_by_series() -> dict[str, set[str] | None]:
    """Every series that there is, with its labels; None where they are not at hand."""
    injector, registry = InjectorMeters(), RegistryMeters(Shelf((), waiters_limit=1))
    injector.watch(dict, list)
    told = "".join(meters.page("")[0].decode() for meters in (injector, registry))
    names = re.findall(r"^# TYPE (\S+) (\S+)", told, re.MULTILINE)
    suffixes = {"histogram": "_bucket"}
    found: dict[str, set[str] | None] = {name + suffixes.get(kind, ""): None for name, kind in names}
    for metric in METRICS:
        suffix = "_bucket" if metric.kind is MetricKind.HISTOGRAM else ""
        found[metric.name + suffix] = {label.name for label in metric.labels}
    return found


def test_without_an_operator_for_prometheus_nothing_of_its_kinds_is_there() -> None:
    assert {o["apiVersion"] for o in render() if "coreos" in o["apiVersion"]} == set()


def test_the_rules_are_the_alerts_of_the_project(objects: list[Json]) -> None:
    rule = the(objects, "PrometheusRule")
    assert rule["spec"] == yaml.safe_load((ROOT / "alerts" / "model-policy-sidecar.yaml").read_text())
    assert rule["metadata"]["labels"]["release"] == "prom"


def test_the_dashboard_shows_series_that_there_are_by_labels_that_they_have(objects: list[Json]) -> None:
    known = labels_by_series()
    for expression in expressions(objects):
        ((name, _),) = SERIES.findall(expression)
        assert name in known, expression
        wanted = {label.strip() for group in GROUPED.findall(expression) for label in group.split(",")}
        if (labels := known[name]) is not None:
            assert wanted - TARGETS_OWN <= labels, expression


def test_the_dashboards_panels_lie_beside_one_another(objects: list[Json]) -> None:
    panels = dashboard(objects)["panels"]
    cells = [
        (x, y)
        for panel in panels
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_guarded_pods_injector_and_registry_are_monitored(objects: list[Json]) -> None:
    assert the(objects, "PodMonitor")["spec"] == {
        "namespaceSelector": {"matchNames": ["models"]},
        "selector": {"matchLabels": {"model-policy-sidecar.io/guarded": "true"}},
        "podMetricsEndpoints": [{"port": "policy-admin"}],
    }
    assert set(of_kind(objects, "ServiceMonitor")) == {f"{NAME}-injector", f"{NAME}-registry"}
    (endpoint,) = the(objects, "ServiceMonitor", "registry")["spec"]["endpoints"]
    assert endpoint["tlsConfig"] == {
        "serverName": f"{NAME}-registry.{NAMESPACE}.svc",
        "ca": {"secret": {"name": f"{NAME}-registry-tls", "key": "ca.crt"}},
    }


def test_monitors_select_ports_that_the_services_have(objects: list[Json]) -> None:
    for name, port in (("injector", "metrics"), ("registry", "https")):
        assert port in {each["name"] for each in the(objects, "Service", name)["spec"]["ports"]}
        (endpoint,) = the(objects, "ServiceMonitor", name)["spec"]["endpoints"]
        assert endpoint["port"] == port
