"""What keeps a pod from being guarded: ways past a sidecar that no change of ours could close."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sidecar.injector import names
from sidecar.injector.shape import all_containers_of, tcp_ports_of
from sidecar.injector.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.find import Serving
    from sidecar.injector.ports import Ports
    from sidecar.injector.shape import Container, Pod

HARMLESS_CAPABILITIES = frozenset(
    {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
    | {"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"}
)
"""What a container has that asks for nothing. Source: Pod Security Standards, baseline, Capabilities."""


def of_pod(pod: Pod) -> list[str]:
    """What is wrong with the pod whatever it serves."""
    spec = pod["spec"]
    problems: list[str] = []
    if spec.get("hostNetwork"):
        problems.append("hostNetwork shares the node's loopback, where the model listens; remove it")
    if spec.get("hostPID"):
        problems.append("hostPID lets processes reach into others' files; remove it")
    if spec.get("shareProcessNamespace"):
        problems.append("shareProcessNamespace lets containers reach into the guard's files; remove it")
    system = (spec.get("os") or {"name": "linux"})["name"]
    if system != "linux":
        problems.append(f"os.name is {shown(system)}; the guard's images are for linux")
    counted = Counter(container["name"] for container in all_containers_of(pod))
    problems += [f"{count} containers are named {name}; rename them" for name, count in counted.items() if count > 1]
    for container in all_containers_of(pod):
        problems += _of_container(container)
    return problems


def _of_container(container: Container) -> Iterator[str]:
    name = container["name"]
    security = container.get("securityContext") or {}
    if security.get("privileged"):
        yield f"container {name} is privileged, and could change the guard's network and files; remove privileged"
    added = {one.removeprefix("CAP_") for one in (security.get("capabilities") or {}).get("add") or []}
    if beyond := sorted(added - HARMLESS_CAPABILITIES):
        listed = ", ".join(beyond)[:200]
        yield f"container {name} adds the capabilities {listed}; remove them (Istio: use its CNI plugin)"
    if name in names.GUARD_CONTAINERS:
        yield f"the name {name} is the guard's; rename the container"
    for mount in container.get("volumeMounts") or []:
        if mount["name"] in names.GUARD_VOLUMES:
            yield f"container {name} mounts volume {mount['name']}, which is the guard's; rename the volume"


def of_ports(pod: Pod, serving: Serving, ports: Ports, config: InjectorConfig) -> list[str]:
    """Ports that two want, and such as lead past the guard from the node."""
    problems: list[str] = []
    for port in serving.container.get("ports") or []:
        if host_port := port.get("hostPort"):
            problems.append(f"hostPort {host_port} of container {serving.name} leads past the sidecar; use a Service")
    reserved = {config.admin_port: "the sidecar's admin port", names.OPA_DIAGNOSTIC_PORT: "OPA's health"}
    wanted = {**reserved, ports.doors.public: f"the model's, {serving.name}"}
    for container in all_containers_of(pod):
        is_serving = container is serving.container
        for port in tcp_ports_of(container):
            number = port["containerPort"]
            if number in (reserved if is_serving else wanted):
                problems.append(
                    f"port {number} of container {container['name']} is {wanted[number]}; give the container another"
                )
            if port.get("name") == names.ADMIN_PORT_NAME:
                problems.append(f"port name {names.ADMIN_PORT_NAME} of container {container['name']}: rename the port")
    if ports.doors.public in reserved:
        problems.append(f"port {ports.doors.public} is {reserved[ports.doors.public]}; let the model use another")
    return problems
