"""The parts of a node that its pods share."""

from __future__ import annotations

import logging
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import urllib3

from tests.kubernetes.node.api import ApiError
from tests.kubernetes.node.environment import Environment
from tests.kubernetes.node.host import PodHost
from tests.kubernetes.node.payloads import Payloads, Tokens
from tests.kubernetes.node.reporting import pod_path
from tests.kubernetes.node.volumes import Volumes

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.node.api import Api, Json
    from tests.kubernetes.node.claims import Claims
    from tests.kubernetes.node.configs import Configs
    from tests.kubernetes.node.hosts import Hosts
    from tests.kubernetes.node.network import Network
    from tests.kubernetes.node.reporting import Reporter
    from tests.kubernetes.node.runtime import Runtime

log = logging.getLogger(__name__)
NO_RESOLVER = "# Names are those of /etc/hosts. Nobody listens where resolvers ask by default: others fail at once.\n"
GONE = {404, 409}  # it does not exist any more, or is another of the same name


@dataclass(frozen=True, slots=True)
class Parts:
    """What one node has. `folder` is where all its files are."""

    api: Api
    network: Network
    runtime: Runtime
    configs: Configs
    claims: Claims
    hosts: Hosts
    reporter: Reporter
    folder: Path
    host_address: str
    cgroup: str

    def new_host(self, pod: Json) -> PodHost:
        """A pod's network, and its volumes, not yet set up."""
        metadata = pod["metadata"]
        namespace = metadata["namespace"]
        sandbox = self.network.new_sandbox()
        addressed = self.addressed(pod, sandbox.address)
        payloads = Payloads(self.configs.data, namespace, Tokens(lambda spec: self._token(pod, spec)))
        given = {"KUBERNETES_SERVICE_HOST": self.host_address, "KUBERNETES_SERVICE_PORT": str(self.api.port)}
        folder = self.folder / "volumes" / metadata["uid"]
        host = PodHost(
            pod=addressed,
            sandbox=sandbox,
            runtime=self.runtime,
            volumes=Volumes(folder / "mounted", pod, payloads, self.claims),
            environment=Environment(addressed, given, lambda kind, name: self.configs.text(kind, namespace, name)),
            folder=folder,
            logs=self.folder / "pods" / namespace / metadata["name"],
            cgroup=self.cgroup,
        )
        host.logs.mkdir(parents=True, exist_ok=True)
        folder.mkdir(parents=True)
        (folder / "resolv.conf").write_text(NO_RESOLVER)
        self.hosts.add(host.hosts_file, addressed)
        return host

    def addressed(self, pod: Json, address: str) -> Json:
        """The pod with what this node knows of its status before the API server does."""
        own = {"hostIP": self.host_address, "podIP": address, "podIPs": [{"ip": address}]}
        return {**pod, "status": {**pod["status"], **own}}

    def take_down(self, host: PodHost) -> None:
        """After the last container has ended."""
        self.hosts.remove(host.hosts_file)
        host.volumes.unmount()
        shutil.rmtree(host.folder)
        self.network.remove(host.sandbox)

    def delete(self, pod: Json) -> bool:
        """Nothing of the pod is left here: whether the API server has forgotten it, too."""
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        try:
            self.api.delete(pod_path(pod), body)
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            log.info("deleting %s: %s", pod["metadata"]["name"], error)
            return isinstance(error, ApiError) and error.status in GONE
        return True

    def _token(self, pod: Json, spec: Json) -> str:
        bound = {"kind": "Pod", "apiVersion": "v1", "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"]}
        account = pod["spec"].get("serviceAccountName", "default")
        path = f"/api/v1/namespaces/{pod['metadata']['namespace']}/serviceaccounts/{account}/token"
        made = self.api.create(path, {"spec": {"audiences": [], **spec, "boundObjectRef": bound}})
        return made["status"]["token"]
