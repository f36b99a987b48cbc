"""Names of Services in pods, by /etc/hosts: each name stands for the addresses of the Service's ready endpoints.

There is no kube-proxy, so a Service's own address and its port mapping do nothing: a client has to use the target port.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.kubernetes.node.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tests.kubernetes.node.api import Api, Json

DOMAIN = "cluster.local"


class Hosts:
    """Writes the hosts file of each pod, and writes it again whenever endpoints change."""

    def __init__(self, api: Api) -> None:
        self._mirror = Mirror(api, "/apis/discovery.k8s.io/v1/endpointslices", lambda _new, _old: self._write_all())
        self._files: dict[Path, Json] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """From now on endpoints are known."""
        self._mirror.start()

    def add(self, file: Path, pod: Json) -> None:
        """Writes a pod's file and keeps it up to date; its metadata and `status.podIP` are used."""
        with self._lock:
            self._files[file] = pod
            file.write_text(hosts_text(pod, self._mirror.all()))

    def remove(self, file: Path) -> None:
        """Nothing is written to it any more."""
        with self._lock:
            self._files.pop(file, None)

    def _write_all(self) -> None:
        with self._lock:
            slices = self._mirror.all()
            for file, pod in self._files.items():
                text = hosts_text(pod, slices)
                if file.read_text() != text:
                    _write_in_place(file, text.encode())


def _write_in_place(file: Path, content: bytes) -> None:
    """Containers have this very file mounted. No reader finds it empty."""
    with file.open("r+b", buffering=0) as opened:
        opened.write(content)
        opened.truncate()


def hosts_text(pod: Json, slices: Iterable[Json]) -> str:
    """The file for one pod. In its own namespace a Service's short name is enough."""
    namespace = pod["metadata"]["namespace"]
    own = [f"127.0.0.1 localhost\n{pod['status']['podIP']} {pod['metadata']['name']}"]
    lines = sorted({line for each in slices for line in _lines(each, namespace)})
    return "\n".join([*own, *lines]) + "\n"


def _lines(endpoint_slice: Json, namespace: str) -> Iterator[str]:
    metadata = endpoint_slice["metadata"]
    service = metadata.get("labels", {}).get("kubernetes.io/service-name")
    for endpoint in (endpoint_slice.get("endpoints") or []) if service else []:
        if endpoint.get("conditions", {}).get("ready", True):
            full = f"{service}.{metadata['namespace']}"
            names = [f"{full}.svc.{DOMAIN}", f"{full}.svc", full]
            names += [service] if metadata["namespace"] == namespace else []
            own = [f"{endpoint['hostname']}.{name}" for name in names] if "hostname" in endpoint else []
            for address in endpoint["addresses"]:
                yield " ".join([address, *names, *own])
