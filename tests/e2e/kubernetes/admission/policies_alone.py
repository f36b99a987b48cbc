"""The chart's policies on a real API server, with no webhook and no node: what the API server itself refuses."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.injector.config import InjectorConfig
from sidecar.injector.guard import guard
from tests.kubernetes.cluster import Cluster, running_cluster
from tests.kubernetes.programs import CommandFailed, missing
from tests.unit.helm.charts import CHART, NAME, NAMESPACE, VALUES, Json, merged, render, the

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from pathlib import Path

DEVELOPER = "ana"
"""May do everything with pods, what makes them, and namespaces; has none of our own rights."""
POLICIES = ("guarded-pods", "running-pods", "connections", "exemptions", "namespaces", "scheduling", "secrets")
REGISTRY_CA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
EFFECT_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Policed:
    """A cluster with the chart in it, and what its injector would do to pods."""

    cluster: Cluster
    config: InjectorConfig

    @property
    def developer(self) -> Cluster:
        return self.cluster.as_(DEVELOPER)

    def guarded(self, pod: Json) -> Any:
        return guard(pod, self.config, namespace="any", registry_ca=REGISTRY_CA).pod

    def bind(self, role: str, user: str, namespace: str) -> None:
        """Gives a developer of this name one of the chart's roles, too."""
        for name, clusterrole in ((f"{user}-{role}", f"{NAME}-{role}"), (f"{user}-develops", "developer")):
            words = [f"--clusterrole={clusterrole}", f"--user={user}", f"--namespace={namespace}"]
            self.cluster.kubectl("create", "rolebinding", name, *words)

    def namespace(self, name: str, guard: str) -> str:
        return self.cluster.new_namespace(name, {"model-policy-sidecar.io/guard": guard})


@contextmanager
def policed(folder: Path, changes: Json | None = None) -> Generator[Policed]:
    """Installs the chart and takes its webhooks away, so that the policies are alone."""
    values = merged(VALUES, changes or {})
    with running_cluster(folder, node=False) as cluster:
        cluster.new_namespace(NAMESPACE, {"pod-security.kubernetes.io/enforce": "restricted"})
        cluster.new_namespace("models")
        file = folder / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        cluster.helm("install", "policy", str(CHART), f"--namespace={NAMESPACE}", f"--values={file}")
        cluster.apply(_rights_of_the_developer())
        config = the(render(changes), "ConfigMap", "injector")["data"]["injector.yaml"]
        cluster.kubectl("delete", f"mutatingwebhookconfiguration/{NAME}", f"validatingwebhookconfiguration/{NAME}")
        here = Policed(cluster, InjectorConfig.parse(config))
        _await_effect(here)
        yield here


def skip_without_cluster() -> None:
    """Skips the test, or fails it in CI, where no control plane can run."""
    if lacking := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("no cluster here: " + "; ".join(lacking))


def refused(cluster: Cluster, *words: str, input: str = "") -> str:  # noqa: A002  # as Cluster.kubectl
    """What kubectl says of a command that must fail."""
    with pytest.raises(CommandFailed) as failed:
        cluster.kubectl(*words, input=input)
    return failed.value.stderr


def create(cluster: Cluster, thing: Json, namespace: str) -> str:
    return cluster.kubectl("create", f"--namespace={namespace}", "-f-", input=json.dumps(thing))


def creation_refused(cluster: Cluster, thing: Json, namespace: str) -> str:
    return refused(cluster, "create", f"--namespace={namespace}", "-f-", input=json.dumps(thing))


def pod_of(parts: Json) -> Json:
    """A pod out of its metadata and spec."""
    return {"apiVersion": "v1", "kind": "Pod", **parts}


def _rights_of_the_developer() -> list[Json]:
    rules = [{"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["*"]}]
    rbac = {"apiVersion": "rbac.authorization.k8s.io/v1"}
    return [
        {**rbac, "kind": "ClusterRole", "metadata": {"name": "developer"}, "rules": rules},
        {
            **rbac,
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "developer"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "developer"},
            "subjects": [{"kind": "User", "name": DEVELOPER, "apiGroup": "rbac.authorization.k8s.io"}],
        },
    ]


def _await_effect(of: Policed) -> None:
    """Policies hold from when the API server has seen policy and binding: until each has refused something."""
    cluster, namespace = of.cluster, of.namespace("probe", "all")
    here = f"--namespace={namespace}"
    bare = {"metadata": {"name": "bare"}, "spec": {"containers": [{"name": "a", "image": "a"}]}}
    exempted: Json = {**bare, "metadata": {"name": "bare", "annotations": {"model-policy-sidecar.io/exempt": "probe"}}}
    developer, dry = of.developer, "--dry-run=server"
    _until_refused(developer, "guarded-pods", "create", "-f-", here, dry, thing=bare)
    _until_refused(developer, "exemptions", "create", "-f-", here, dry, thing=exempted)
    create(cluster, pod_of(exempted), namespace)
    _until_refused(developer, "running-pods", "debug", "bare", here, "--image=a")
    _until_refused(developer, "connections", "exec", "bare", here, "--", "true")
    secret = ["secret", "generic", of.config.secret, here, dry]
    _until_refused(developer, "secrets", "create", *secret)
    weaker = "model-policy-sidecar.io/guard=labelled"
    _until_refused(developer, "namespaces", "label", f"namespace/{namespace}", weaker, "--overwrite", dry)


def until_admitted(cluster: Cluster, thing: Json, namespace: str) -> None:
    """Once it could be created."""
    words, text = ("create", "-f-", f"--namespace={namespace}", "--dry-run=server"), json.dumps(thing)
    _until(
        lambda: _told(cluster, *words, text=text).endswith("created (server dry run)\n"), f"no {text} in {namespace}"
    )


def _until_refused(cluster: Cluster, policy: str, *words: str, thing: Json | None = None) -> None:
    text = json.dumps(pod_of(thing)) if thing else ""
    _until(lambda: f"'{NAME}-{policy}'" in _told(cluster, *words, text=text), f"{policy} is without effect")


def _told(cluster: Cluster, *words: str, text: str) -> str:
    try:
        return cluster.kubectl(*words, input=text)
    except CommandFailed as failed:
        return failed.stderr


def _until(holds: Callable[[], bool], otherwise: str) -> None:
    deadline_s = time.monotonic() + EFFECT_TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline_s, otherwise
