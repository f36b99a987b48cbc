"""The chart, installed into a cluster as its notes tell: keys, Secrets, release, a policy and first facts."""

from __future__ import annotations

import base64
import json
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from tests.e2e.deployment import sidecar_ok
from tests.issuer import AUDIENCE, ISSUER, Issuer
from tests.kubernetes.forwarding import forwarded
from tests.process import REPOSITORY
from tests.support import policy_data

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

    from tests.kubernetes.cluster import Cluster

CHART = str(REPOSITORY / "helm" / "model-policy-sidecar")
SYSTEM = "policy-system"
MODELS = "models"
NAME = "policy"
WAIT = "--timeout=120s"
TORCHSERVE_READ = {"score": "pointer:/score", "label": "pointer:/label"}
VALUES: dict[str, Any] = {
    "namespaces": [{"name": MODELS, "ports": [8000, 8080]}],
    "guard": {
        "settings": {"consent_issuer": ISSUER, "consent_audience": AUDIENCE, "policy_timeout_ms": 5000},
        "audit": {"acceptLoss": True, "size": "512Mi"},
        "drainSeconds": 3,
        "keepAliveSeconds": 2,
        "upstreamTimeoutSeconds": 3,
    },
}
"""Short times, so that a pod ends in seconds; but a decision may take what a node on two cores needs for it."""


def facts() -> dict[str, Any]:
    """Of two models: `credit` on servers of the V2 protocol, `loans` on TorchServe."""
    data = policy_data(time.time())
    credit = data["models"]["credit"]
    data["models"]["loans"] = credit | {"read": credit["read"] | TORCHSERVE_READ}
    data["group_mean"]["loans"] = data["group_mean"]["credit"]
    for model in data["models"].values():
        model["owner"] = "risk@example.com"
    return data


@dataclass
class Release:
    """One release of the chart, and what its people have."""

    cluster: Cluster
    folder: Path
    issuer: Issuer = field(default_factory=Issuer)
    values: dict[str, Any] = field(default_factory=lambda: json.loads(json.dumps(VALUES)))
    _published: int = 0

    @property
    def keys(self) -> Path:
        return self.folder / "keys"

    @property
    def policy(self) -> Path:
        """The folder of Rego that its authors edit."""
        return self.folder / "policy"

    def install(self) -> None:
        """Up to a release whose pods are ready. Nothing is published yet."""
        for namespace in (SYSTEM, MODELS):
            self.cluster.new_namespace(namespace)
        jwks = self.issuer.write_jwks(self.folder / "jwks.json")
        where = ["--namespace", SYSTEM, "--name", NAME, "--guard", MODELS, "--out", self.keys]
        sidecar_ok("injector", "init", *where, "--consent-keys", jwks)
        self.cluster.kubectl("apply", "--server-side", "-f", str(self.keys / "secrets.yaml"))
        self._helm("install", NAME, CHART)
        self.cluster.kubectl("label", "namespace", MODELS, "model-policy-sidecar.io/guard=labelled")

    def upgrade(self) -> None:
        """To the values as they are now."""
        self._helm("upgrade", NAME, CHART)

    def rollback(self) -> None:
        self.cluster.helm("rollback", NAME, f"--namespace={SYSTEM}", "--wait", WAIT)

    def uninstall(self) -> None:
        self.cluster.helm("uninstall", NAME, f"--namespace={SYSTEM}", "--wait", WAIT)

    def publish_first(self) -> None:
        """The shipped rules, and facts."""
        shutil.copytree(REPOSITORY / "rego", self.policy)
        (self.folder / "data.json").write_text(json.dumps(facts()))
        with self.registry() as where:
            token = ["--token-file", self.keys / "admin.token"]
            sidecar_ok("registry", "import", self.folder / "data.json", "--url", *where, *token)
        self.publish()

    def publish(self) -> str:
        """The policy as it is now; its revision, which in Git would be the commit."""
        bundle, key = self.folder / "policy.tar.gz", self.keys / "policy.pem"
        self._published += 1
        revision = ["--revision", f"commit-{self._published}"]
        sidecar_ok("policy", "build", self.policy, "--signing-key", key, "--output", bundle, *revision)
        with self.registry() as where:
            token = ["--token-file", self.keys / "engineer.token"]
            told = json.loads(sidecar_ok("policy", "publish", bundle, *where, *token, "--json"))
        return str(told["revision"])

    def secret(self, name: str, key: str, namespace: str = SYSTEM) -> bytes:
        return base64.b64decode(self.cluster.get("secret", name, namespace=namespace)["data"][key])

    @contextmanager
    def registry(self) -> Generator[list[str]]:
        """Its URL on this machine, and the flag that says whom to trust: as by `kubectl port-forward`."""
        authority = self.folder / "ca.crt"
        authority.write_bytes(self.secret(f"{NAME}-ca", "ca.crt"))
        with forwarded(self.cluster, f"{NAME}-registry", SYSTEM, 8095) as port:
            yield [f"https://localhost:{port}", "--ca-file", str(authority)]

    def _helm(self, *words: str) -> None:
        own = self.folder / "own-values.yaml"
        own.write_text(yaml.safe_dump(self.values))
        files = [f"--values={self.keys / 'values.yaml'}", f"--values={own}"]
        self.cluster.helm(*words, f"--namespace={SYSTEM}", *files, "--wait", WAIT)
