"""alerts/ and the pages that explain them against the registry of metrics, both ways."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from sidecar.telemetry import metrics as names

REPOSITORY = Path(__file__).resolve().parents[3]
RULES: list[dict[str, Any]] = [
    rule
    for path in sorted((REPOSITORY / "alerts").glob("*.yaml"))
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
]
PAGE = (REPOSITORY / "docs" / "shipping.md").read_text()
FAIRNESS = (REPOSITORY / "docs" / "fairness.md").read_text()
BUNDLES = (REPOSITORY / "docs" / "bundles.md").read_text()
SECURITY = (REPOSITORY / "docs" / "security.md").read_text()
METRICS = {metric.name: metric for metric in names.METRICS}
NAMES = re.compile(r"\bsidecar_[a-z_]+")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_rule_speaks_of_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    named = NAMES.findall(rule["expr"])
    assert named
    assert set(named) <= set(METRICS)
    labels = {label.name for name in named for label in METRICS[name].labels}
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    without = {name for group in re.findall(r"without \(([^)]*)\)", rule["expr"]) for name in group.split(", ")}
    assert shown | without <= labels | {"instance"}
    assert rule["labels"]["severity"] in ("page", "ticket")


@pytest.mark.parametrize("rule", RULES, ids=[rule["alert"] for rule in RULES])
def test_a_counter_is_looked_at_by_its_growth(rule: dict[str, Any]) -> None:
    """A bare counter would alert for ever."""
    counters = {name for name in NAMES.findall(rule["expr"]) if METRICS[name].kind is names.MetricKind.COUNTER}
    grown = set(re.findall(r"(?:increase|rate)\((sidecar_[a-z_]+)(?:\{[^}]*\})?\[", rule["expr"]))
    assert counters == grown


def test_names_stand_once_and_a_page_explains_each() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(names) == len(set(names)) > 10
    assert set(re.findall(r"^\| `([A-Z]\w+)` \|", PAGE + FAIRNESS + BUNDLES + SECURITY, re.MULTILINE)) == set(names)


def test_the_page_has_all_metrics_of_shipping_and_no_others() -> None:
    ours = {name for name in METRICS if name.startswith("sidecar_ship_")}
    assert ours <= set(NAMES.findall(PAGE)) <= set(METRICS)
    watched = {name for rule in RULES for name in NAMES.findall(rule["expr"])}
    assert ours - watched == {
        "sidecar_ship_lag_records",
        "sidecar_ship_shipped_total",
    }  # to look at, not to be woken by


def test_the_page_on_fairness_has_all_its_metrics_and_no_others() -> None:
    ours = {name for name in METRICS if name.startswith(("sidecar_window_", "sidecar_disparate_", "sidecar_throttle"))}
    assert ours == set(NAMES.findall(FAIRNESS))


def test_the_page_of_bundles_has_all_their_metrics() -> None:
    ours = {name for name in METRICS if name.startswith("sidecar_bundle_")}
    assert ours <= set(NAMES.findall(BUNDLES)) <= set(METRICS)
