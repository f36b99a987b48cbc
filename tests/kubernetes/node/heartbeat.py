"""The Node object: registered, and kept alive by its Lease as kubelets do."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NoReturn

import urllib3

from tests.kubernetes.node.api import ApiError
from tests.kubernetes.node.times import now_micro_text, now_text

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Api, Json

log = logging.getLogger(__name__)
RENEW_S = 10.0
LEASE_S = 40  # the controllers' own tolerance is longer
ZONE = "topology.kubernetes.io/zone"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"
CAPACITY = {"cpu": "64", "memory": "64Gi", "pods": "200", "ephemeral-storage": "64Gi"}
"""More than the machine has: tests are small, and what pods request is sized for production."""


def register(api: Api, name: str, address: str, port: int) -> None:
    """A node that takes pods at once. `address` and `port` are where it serves logs."""
    now = now_text()
    metadata = {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", ZONE: "a"}}
    api.create("/api/v1/nodes", {"metadata": metadata})
    addresses = [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}]
    ready = {"type": "Ready", "status": "True", "reason": "NodeReady", "lastHeartbeatTime": now}
    status = {
        "addresses": addresses,
        "capacity": CAPACITY,
        "allocatable": CAPACITY,
        "conditions": [{**ready, "lastTransitionTime": now}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "nodeInfo": {"operatingSystem": "linux", "architecture": "amd64", "kubeletVersion": "v1.37.2"},
    }
    api.create(LEASES, {"metadata": {"name": name}, "spec": _lease(name)})
    api.patch(f"/api/v1/nodes/{name}/status", {"status": status})


def keep_alive(api: Api, name: str) -> NoReturn:
    """Renews the Lease for ever."""
    while True:
        time.sleep(RENEW_S)
        try:
            api.patch(f"{LEASES}/{name}", {"spec": _lease(name)})
        except (ApiError, urllib3.exceptions.HTTPError) as error:
            log.warning("heartbeat: %s", error)


def _lease(name: str) -> Json:
    return {"holderIdentity": name, "leaseDurationSeconds": LEASE_S, "renewTime": now_micro_text()}
