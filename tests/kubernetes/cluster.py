"""A cluster as tests use it: kubectl, helm, objects in and out, as one user or another."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.kubernetes.control_plane import control_plane
from tests.kubernetes.programs import REPOSITORY, ClusterError, CommandFailed, program, run, tail, tool
from tests.kubernetes.slots import taken_slot

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from tests.kubernetes.control_plane import ControlPlane
    from tests.kubernetes.slots import Slot

NODE = "node"
NODE_GROUPS = ("system:nodes", "system:masters")  # it reads more than the Node authorizer would let it
READY_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster, as one user sees it: its administrator, unless `as_` says otherwise."""

    kubeconfig: Path
    folder: Path
    """Logs of the control plane and the node; those of containers are in `pods/NAMESPACE/POD/CONTAINER.log`."""
    user: str = ""
    groups: tuple[str, ...] = ()

    def as_(self, user: str, groups: Sequence[str] = ()) -> Cluster:
        """The same cluster as another user, by impersonation. `system:authenticated` is one of their groups anyway."""
        return replace(self, user=user, groups=tuple(groups))

    def kubectl(self, *words: str, input: str = "") -> str:  # noqa: A002  # as subprocess.run calls it
        """What it prints. Raises CommandFailed, with its words in `stderr`."""
        who = [f"--as={self.user}"] if self.user else []
        who += [f"--as-group={group}" for group in self.groups]
        return run(tool("kubectl"), f"--kubeconfig={self.kubeconfig}", *who, *words, stdin=input, env=self._env)

    def helm(self, *words: str) -> str:
        """What it prints. Raises CommandFailed."""
        who = [f"--kube-as-user={self.user}"] if self.user else []
        who += [f"--kube-as-group={group}" for group in self.groups]
        return run(tool("helm"), *words, f"--kubeconfig={self.kubeconfig}", *who, env=self._env)

    def apply(self, objects: Sequence[Any], namespace: str = "default") -> None:
        """Creates or changes objects; `namespace` is of those that name none. Raises CommandFailed."""
        listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "--server-side", "--force-conflicts", f"--namespace={namespace}", "-f-", input=listed)

    def get(self, *words: str, namespace: str = "default") -> Any:
        """One object (`get("pod", "web")`), or of several a list (`get("pods", "--selector=app=web")`)."""
        got = json.loads(self.kubectl("get", *words, f"--namespace={namespace}", "--output=json"))
        return got["items"] if got["kind"] == "List" else got

    def new_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Its name, once pods can be created in it."""
        metadata = {"name": name, "labels": labels or {}}
        self.apply([{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])
        for made_later in ("serviceaccount/default", "configmap/kube-root-ca.crt"):
            self.kubectl("wait", "--for=create", made_later, f"--namespace={name}", f"--timeout={READY_TIMEOUT_S}s")
        return name

    def log(self, pod: str, container: str, namespace: str = "default") -> str:
        """What a container wrote, over all its restarts."""
        return (self.folder / "pods" / namespace / pod / f"{container}.log").read_text(errors="replace")

    @property
    def _env(self) -> dict[str, str]:
        homes = {name: str(self.folder / "helm") for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        return {**homes, "KUBECACHEDIR": str(self.folder / "kubectl"), "HOME": str(self.folder)}


@contextmanager
def running_cluster(folder: Path, *, node: bool = True) -> Generator[Cluster]:
    """A control plane, and a node that runs pods; all its files are in `folder`. Raises ClusterError."""
    with ExitStack() as stack:
        slot, lock = stack.enter_context(taken_slot())
        control = stack.enter_context(control_plane(slot, folder))
        cluster = Cluster(control.kubeconfig, folder)
        if node:
            command = _node(slot, control)
            stack.enter_context(program(folder / "node.log", *command, keep_open=[lock]))
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", f"--timeout={READY_TIMEOUT_S}s")
        if node:
            _await_node(cluster)
        yield cluster


def _await_node(cluster: Cluster) -> None:
    try:
        for condition in ("create", "condition=Ready"):
            cluster.kubectl("wait", f"--for={condition}", f"node/{NODE}", f"--timeout={READY_TIMEOUT_S}s")
    except CommandFailed as error:
        raise ClusterError(f"the node is not ready:\n{tail(cluster.folder / 'node.log')}") from error


def _node(slot: Slot, control: ControlPlane) -> list[str]:
    # All that it starts is in its process namespace, all that it mounts in its mount namespace: both end with it.
    namespaces = ["unshare", "--mount", "--propagation=private", "--pid", "--mount-proc"]
    kubeconfig = control.kubeconfig_of(f"system:node:{NODE}", *NODE_GROUPS)
    namespaces += ["--kill-child=SIGKILL", f"--wd={REPOSITORY}"]
    node = [sys.executable, "-m", "tests.kubernetes.node", f"--slot={slot.number}", f"--name={NODE}"]
    return [*namespaces, *node, f"--kubeconfig={kubeconfig}", f"--folder={control.folder}"]
