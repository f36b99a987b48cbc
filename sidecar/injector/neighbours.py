"""Other containers of the pod that would call the model past the sidecar: loopback is theirs too.

Nothing inside a pod can keep its containers from the model's loopback port. What is known to do so, or says so in its
command or environment, is refused; what hides it is its author's breach, and docs tell so.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.injector.shape import all_containers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.find import Serving
    from sidecar.injector.ports import Ports
    from sidecar.injector.shape import Container, Pod

PROXIES = {
    "queue-proxy": "Knative's queue-proxy calls the model itself; use KServe's mode Standard (RawDeployment)",
    "agent": "KServe's agent calls the model itself; do without logger, batcher and model puller",
}


def callers(pod: Pod, serving: Serving, ports: Ports) -> list[str]:
    """Containers that call, or are told to call, the model on loopback."""
    numbers = sorted({ports.doors.public, ports.doors.upstream})
    loopback = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(?:{'|'.join(map(str, numbers))})(?!\d)")
    problems: list[str] = []
    for container in all_containers_of(pod):
        if container is serving.container:
            continue
        if _is_proxy(container):
            problems.append(f"container {container['name']}: {PROXIES[container['name']]}")
        elif any(map(loopback.search, _texts(container))):
            problems.append(
                f"container {container['name']} is told to call the model on loopback, past the sidecar; write its own "
                f"pod's address (status.podIP) and port {ports.doors.public} instead, or have it in a pod of its own"
            )
    return problems


def _is_proxy(container: Container) -> bool:
    """KServe's agent shares its name with many others: it is known by its image."""
    name = container["name"]
    return name in PROXIES and (name != "agent" or "kserve" in (container.get("image") or ""))


def _texts(container: Container) -> Iterator[str]:
    yield from container.get("command") or ()
    yield from container.get("args") or ()
    yield from (variable.get("value") or "" for variable in container.get("env") or ())
