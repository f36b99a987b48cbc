"""The node of the test cluster: environment variables as a kubelet makes them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.node.environment import Environment, NotThere, expand, field

POD: dict[str, Any] = {
    "metadata": {
        "name": "web",
        "labels": {"b": "2", "a": 'say "1"'},
        "annotations": {"example.org/note": "two\nlines"},
    },
    "spec": {"nodeName": "node"},
    "status": {"podIP": "198.18.0.16"},
}
CONFIGS = {("configMap", "colours"): {"red": "#f00"}, ("secret", "keys"): {"key": "k"}}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("$(A):80", "1:80"),
        ("$(A)$(B)", "12"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$(NONE)", "$(NONE)"),
        ("$A ${A} $ $(A", "$A ${A} $ $(A"),
        ("$()", "$()"),
    ],
)
def test_references_are_expanded(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1", "B": "2"}) == expanded


def environment() -> Environment:
    return Environment(POD, {"GIVEN": "g"}, lambda kind, name: CONFIGS.get((kind, name)))


def test_variables_come_from_everywhere_and_refer_to_those_before() -> None:
    env = [
        {"name": "LATER", "value": "$(IP)"},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "URL", "value": "http://$(IP)/$(C_red)/$(GIVEN)"},
        {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "key"}}},
        {"name": "NONE", "valueFrom": {"configMapKeyRef": {"name": "colours", "key": "blue", "optional": True}}},
        {"name": "CPUS", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}},
        {"name": "EMPTY"},
    ]
    container = {"name": "c", "env": env, "envFrom": [{"prefix": "C_", "configMapRef": {"name": "colours"}}]}
    assert environment().of({**container, "resources": {"limits": {"cpu": "1500m"}}}) == {
        "GIVEN": "g",
        "C_red": "#f00",
        "LATER": "$(IP)",
        "IP": "198.18.0.16",
        "URL": "http://198.18.0.16/#f00/g",
        "KEY": "k",
        "CPUS": "2",
        "EMPTY": "",
    }


@pytest.mark.parametrize(
    "container",
    [
        {"envFrom": [{"secretRef": {"name": "none"}}]},
        {"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "none"}}}]},
        {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.none"}}}]},
        {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}}]},
    ],
)
def test_what_is_not_there_is_waited_for(container: dict[str, Any]) -> None:
    with pytest.raises(NotThere):
        environment().of({"name": "c", **container})


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("metadata.name", "web"),
        ("metadata.labels['b']", "2"),
        ("metadata.labels['none']", ""),
        ("metadata.labels", 'a="say \\"1\\""\nb="2"'),
        ("metadata.annotations", 'example.org/note="two\\nlines"'),
        ("spec.nodeName", "node"),
    ],
)
def test_fields_of_a_pod(path: str, text: str) -> None:
    assert field(POD, path) == text
