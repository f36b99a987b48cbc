"""Pods as people write them, and what makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.e2e.kubernetes.admission.policies_alone import pod_of

if TYPE_CHECKING:
    from tests.unit.helm.charts import Json

DOMAIN = "model-policy-sidecar.io"
EXEMPT = {f"{DOMAIN}/exempt": "no model in it"}


def triton(name: str = "triton", **metadata: Any) -> Json:
    container = {
        "name": "triton",
        "image": "tritonserver:24.08",
        "command": ["tritonserver"],
        "args": ["--model-repository=/models"],
        "ports": [{"name": "http", "containerPort": 8000}],
        "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}},
    }
    return pod_of({"metadata": {"name": name, **metadata}, "spec": {"containers": [container]}})


def torchserve(name: str) -> Json:
    container = {
        "name": "torchserve",
        "image": "pytorch/torchserve:0.12.0-cpu",
        "args": ["torchserve", "--start", "--model-store=/models", "--foreground"],
        "ports": [{"containerPort": 8080}, {"containerPort": 8081}],
    }
    return pod_of({"metadata": {"name": name}, "spec": {"containers": [container]}})


def bare(name: str = "bare", **metadata: Any) -> Json:
    return pod_of({"metadata": {"name": name, **metadata}, "spec": {"containers": [{"name": "a", "image": "a"}]}})


def deployment(name: str, **metadata: Any) -> Json:
    template = {"metadata": {"labels": {"app": name}, **metadata}, "spec": bare()["spec"]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {"selector": {"matchLabels": {"app": name}}, "template": template},
    }
