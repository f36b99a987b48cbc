"""Load on pods of `web.py` while they come and go."""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING

from tests.kubernetes.node.api import Api
from tests.kubernetes.node.mirror import Mirror
from tests.process import fetch

if TYPE_CHECKING:
    from tests.kubernetes.cluster import Cluster


class Load:
    """Asks a ready endpoint of the Service `web` over a new connection each time, as clients behind kube-proxy do."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        path = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self._slices = Mirror(Api(cluster.kubeconfig), path, lambda _new, _old: None)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.served = 0
        self.failures: list[str] = []
        self.hosts: set[str] = set()

    def __enter__(self) -> None:
        self._slices.start()
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        for turn in itertools.count():
            if self._stopped.wait(0.01):
                return
            ready = self._ready()
            address = ready[turn % len(ready)]
            try:
                self.hosts.add(fetch(f"http://{address}:8080/health").json["host"])
                self.served += 1
            except OSError as error:
                self.failures.append(f"{address}: {error}")

    def _ready(self) -> list[str]:
        endpoints = [each for item in self._slices.all() for each in item["endpoints"] or []]
        return sorted(each["addresses"][0] for each in endpoints if each["conditions"]["ready"])
