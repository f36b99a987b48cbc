"""The chart as the real Helm renders it."""

from __future__ import annotations

import json
import os
import subprocess
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.keys import EC, RSA, public_pem

ROOT = Path(__file__).resolve().parents[3]
CHART = ROOT / "helm" / "model-policy-sidecar"
HELM = ROOT / ".servers" / "kubernetes" / "helm"
RELEASE, NAMESPACE = "policy", "policy-system"
NAME = "policy-model-policy-sidecar"
Json = dict[str, Any]

VALUES: Json = {
    "guard": {
        "settings": {
            "consent_keys": "/etc/model-policy-sidecar/secrets/jwks.json",
            "consent_issuer": "https://login.example",
            "consent_audience": "models",
        },
        "audit": {"archive": "s3://bucket/audit"},
    },
    "registry": {"publicKey": public_pem(EC).decode(), "policyKey": public_pem(RSA).decode()},
    "namespaces": [{"name": "models", "ports": [8080, 8000]}],
}
"""The least that an operator must say."""
EMBEDDED: Json = {"guard": {"engine": "embedded"}, "registry": {"enabled": False}}
"""With the shipped rules."""
BUNDLED: Json = {"guard": {"engine": "embedded"}}
"""With bundles of the registry."""
CROSS_CHECKED: Json = {"guard": {"engine": "embedded", "settings": {"cross_check_share": 0.01}}}


def merged(values: Json, changes: Json) -> Json:
    """As Helm lays one file of values over another; None takes a key away."""
    result = deepcopy(values)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return {key: value for key, value in result.items() if value is not None}


def helm(verb: str, *words: str, values: Json) -> subprocess.CompletedProcess[str]:
    """Runs Helm on the chart; without it the test is skipped, or fails in CI."""
    if not HELM.exists():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no Helm here: run scripts/install-kubernetes")
    command = [str(HELM), verb, *words, "--namespace", NAMESPACE, "--values", "-"]
    return subprocess.run(command, input=json.dumps(values), text=True, capture_output=True, check=False)


def render(changes: Json | None = None) -> list[Json]:
    """All objects of a release."""
    return deepcopy(_rendered(json.dumps(merged(VALUES, changes or {}))))


@cache  # many tests look at the same few releases
def _rendered(values_json: str) -> list[Json]:
    done = helm("template", RELEASE, str(CHART), values=json.loads(values_json))
    assert done.returncode == 0, done.stderr
    return [document for document in yaml.safe_load_all(done.stdout) if document]


def refusal(changes: Json) -> str:
    """What Helm says of values that it does not render."""
    done = helm("template", RELEASE, str(CHART), values=merged(VALUES, changes))
    assert done.returncode != 0, done.stdout
    return done.stderr


def of_kind(objects: list[Json], kind: str) -> dict[str, Json]:
    """By name."""
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}


def the(objects: list[Json], kind: str, name: str = "") -> Json:
    """One of a kind, by what follows the release's name."""
    return of_kind(objects, kind)[f"{NAME}-{name}" if name else NAME]


def pod_templates(objects: list[Json]) -> dict[str, Json]:
    """Every pod that the chart makes, by kind and name of its owner."""
    found = {}
    for each in objects:
        spec = each.get("spec", {})
        template = spec.get("template") or spec.get("jobTemplate", {}).get("spec", {}).get("template")
        if template:
            found[f"{each['kind']}/{each['metadata']['name']}"] = template
    return found
