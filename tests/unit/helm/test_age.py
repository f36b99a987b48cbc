"""Nothing in the chart is younger than the oldest Kubernetes that it says it is for."""

from __future__ import annotations

import re

import pytest
import yaml

from tests.unit.helm.charts import CHART, EMBEDDED, Json, of_kind, render
from tests.unit.helm.test_objects import VARIANTS

OF_1_30 = {
    "v1",
    "admissionregistration.k8s.io/v1",
    "apps/v1",
    "batch/v1",
    "networking.k8s.io/v1",
    "policy/v1",
    "rbac.authorization.k8s.io/v1",
}
OF_OTHERS = {"cert-manager.io/v1", "monitoring.coreos.com/v1"}
CALLED = re.compile(r"\b([A-Za-z]\w*)\(")
TEXT = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
FUNCTIONS_OF_1_30 = {
    *("all", "dyn", "filter", "has", "map", "matches", "size", "startsWith", "trim"),
    *("hasValue", "orValue"),  # optionals: 1.29
    *("allowed", "authorizer", "check", "group", "name", "namespace", "resource"),  # authorizer: 1.27
}


def test_it_is_for_1_30_and_newer() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"] == ">=1.30.0-0"


@pytest.mark.parametrize("variant", VARIANTS)
def test_kinds_are_of_1_30(variant: str) -> None:
    assert {each["apiVersion"] for each in render(VARIANTS[variant])} <= OF_1_30 | OF_OTHERS


@pytest.mark.parametrize("changes", [{}, EMBEDDED], ids=["opa", "embedded"])
def test_expressions_call_functions_of_1_30(changes: Json) -> None:
    policies = of_kind(render(changes), "ValidatingAdmissionPolicy").values()
    expressions = [
        each["expression"]
        for policy in policies
        for part in ("variables", "validations", "matchConditions")
        for each in policy["spec"].get(part, ())
    ]
    called = {name for expression in expressions for name in CALLED.findall(TEXT.sub("''", expression))}
    assert called <= FUNCTIONS_OF_1_30
    assert {"orValue", "matches", "check"} <= called
