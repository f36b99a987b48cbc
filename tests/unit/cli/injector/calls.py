"""Manifests, and the verbs over them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml
from click.testing import CliRunner

from sidecar.cli import main
from tests.unit.injector.serving.parts import POD, TWO_PROBLEMS

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SERVICE: dict[str, Any] = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "credit"}, "spec": {"ports": []}}


def deployment(pod: dict[str, Any] = POD, name: str = "credit") -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "credit"}}, "spec": pod["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": "credit"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


REFUSED = deployment(TWO_PROBLEMS, "refused")


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(main, list(arguments), input=given, catch_exceptions=False)


def write(path: Path, *documents: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump_all(documents))
    return path
