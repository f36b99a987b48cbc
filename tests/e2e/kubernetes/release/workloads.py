"""Model Deployments as the servers' own docs have them, with a Service each, and calls that they understand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.e2e.kubernetes.release.release import MODELS
from tests.kubernetes.forwarding import ready_addresses
from tests.process import Answer, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.kubernetes.cluster import Cluster

GUARD = {"model-policy-sidecar.io/guard": "enabled"}
ROW = {"shape": [1], "datatype": "FP64"}


@dataclass(frozen=True)
class Workload:
    """A Deployment behind a Service of its name. `score`: a body with which the model's score is this."""

    name: str
    image: str
    port: int
    path: str
    args: tuple[str, ...] = ()
    other_ports: tuple[int, ...] = ()
    annotations: Mapping[str, str] | None = None
    probe: str | None = None

    def objects(self, *, replicas: int = 1, guard: bool = True) -> list[dict[str, Any]]:
        """Deployment and Service."""
        container: dict[str, Any] = {"name": self.name, "image": self.image}
        container["ports"] = [{"containerPort": port} for port in (self.port, *self.other_ports)]
        if self.args:
            container["args"] = list(self.args)
        if self.probe:
            container["readinessProbe"] = {"httpGet": {"path": self.probe, "port": self.port}, "periodSeconds": 1}
        labels = {"app": self.name, **(GUARD if guard else {})}
        template = {
            "metadata": {"labels": labels, "annotations": dict(self.annotations or {})},
            "spec": {"containers": [container]},
        }
        selector = {"matchLabels": {"app": self.name}}
        spec = {"replicas": replicas, "selector": selector, "template": template}
        ports = [{"port": 80, "targetPort": self.port}]
        service = {"selector": {"app": self.name}, "ports": ports}
        metadata = {"name": self.name}
        return [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec},
            {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
        ]

    def roll_out(self, cluster: Cluster, **options: Any) -> None:
        """Returns when its pods are ready."""
        cluster.apply(self.objects(**options), MODELS)
        await_rollout(cluster, self.name)

    def call(self, cluster: Cluster, token: str, score: float = 0.5, **headers: str) -> Answer:
        """To one of its pods that are ready."""
        [address, *_] = ready_addresses(cluster, self.name, MODELS)
        return fetch(f"http://{address}:{self.port}{self.path}", self.body(score), **good(token, **headers))

    def body(self, score: float) -> bytes:
        if self.path.startswith("/predictions"):
            return json.dumps({"forced_score": score, "echo_headers": True}).encode()
        return json.dumps({"inputs": [{"name": "forced_score", **ROW, "data": [score]}]}).encode()


def good(token: str, **changed: str) -> dict[str, str]:
    """Headers of a call that is let pass, but for what is `changed`; an empty value removes."""
    named = {
        "Content_Type": "application/json",
        "X_Data_Version": "fresh",
        "X_Consent_Scope": "credit_scoring",
        "X_Protected_Group": "a",
        "X_Consent_Token": token,
    }
    return {name: value for name, value in {**named, **changed}.items() if value}


def await_rollout(cluster: Cluster, name: str) -> None:
    cluster.kubectl("rollout", "status", f"deployment/{name}", f"--namespace={MODELS}", "--timeout=120s")


def pods_of(cluster: Cluster, workload: Workload) -> list[dict[str, Any]]:
    """Those that are not ending."""
    found = cluster.get("pods", f"--selector=app={workload.name}", namespace=MODELS)
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


TORCHSERVE = Workload(
    "loans",
    "pytorch/torchserve:0.12.0-cpu",
    8080,
    "/predictions/loans",
    args=(
        *("torchserve", "--start", "--ncs", "--disable-token-auth", "--models", "loans=credit.mar"),
        *("--ts-config", "/home/model-server/config.properties"),
    ),
    other_ports=(8081,),
    probe="/ping",
)
TRITON = Workload(
    "credit-triton",
    "nvcr.io/nvidia/tritonserver:25.10-py3",
    8000,
    "/v2/models/credit/infer",
    args=("tritonserver", "--model-repository=/models", "--backend-directory=/opt/tritonserver/backends"),
    other_ports=(8001, 8002),
    probe="/v2/health/ready",
)
MLSERVER = Workload(
    "credit-mlserver",
    "seldonio/mlserver:1.7.1",
    8080,
    "/v2/models/credit/infer",
    other_ports=(8081,),
    probe="/v2/health/ready",
)
KSERVE = Workload(
    "credit-kserve",
    "example/kserve:0.21.0",
    8080,
    "/v2/models/credit/infer",
    args=("--workers=1",),
    annotations={"model-policy-sidecar.io/server": "kserve"},
    probe="/v2/health/ready",
)
