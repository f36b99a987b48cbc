"""The parts of a pod that the injector reads and writes, as types; whether a JSON object has that shape.

Only these parts: what Kubernetes knows beyond them passes through as it is. Absent and null mean the same to
Kubernetes, so that most fields may be either. Source: Kubernetes API reference, PodSpec v1 core.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, Required, cast

import orjson
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic takes that of `typing` from Python 3.12 on

from sidecar.injector.values import Json, PodRefused

PROBLEMS_LIMIT = 20
PORT_LIMIT = 65_535
PortNumber = Annotated[int, Field(ge=1, le=PORT_LIMIT)]
Target = PortNumber | str
"""A port by number, or by the name that its container gives it."""


class Header(TypedDict):
    """Of an HTTP probe."""

    name: str
    value: NotRequired[str | None]


class HttpGet(TypedDict, total=False):
    """An HTTP request of the kubelet."""

    port: Required[Target]
    path: str | None
    host: str | None
    scheme: str | None
    httpHeaders: list[Header] | None


class TcpSocket(TypedDict, total=False):
    """A connection of the kubelet."""

    port: Required[Target]
    host: str | None


class Grpc(TypedDict):
    """A call of gRPC's health service by the kubelet."""

    port: PortNumber


class Probe(TypedDict, total=False):
    """Liveness, readiness or startup."""

    httpGet: HttpGet | None
    tcpSocket: TcpSocket | None
    grpc: Grpc | None
    timeoutSeconds: Annotated[int, Field(ge=0)] | None


class Sleep(TypedDict):
    """A hook that waits."""

    seconds: int


class Hook(TypedDict, total=False):
    """What the kubelet does before a container ends, or once it has started."""

    httpGet: HttpGet | None
    tcpSocket: TcpSocket | None
    sleep: Sleep | None


class Lifecycle(TypedDict, total=False):
    """A container's hooks."""

    postStart: Hook | None
    preStop: Hook | None


class Port(TypedDict, total=False):
    """A port that a container says it listens on."""

    containerPort: Required[PortNumber]
    name: str | None
    protocol: str | None
    hostPort: int | None


class Variable(TypedDict):
    """Of a container's environment; without `value` it comes from elsewhere."""

    name: str
    value: NotRequired[str | None]


class Mount(TypedDict, total=False):
    """Where a container sees a volume."""

    name: Required[str]
    mountPath: Required[str]


class Capabilities(TypedDict, total=False):
    """Linux capabilities beside the runtime's defaults."""

    add: list[str] | None


class Security(TypedDict, total=False):
    """A securityContext, of a container or a pod."""

    privileged: bool | None
    capabilities: Capabilities | None
    runAsUser: int | None


class Container(TypedDict, total=False):
    """One of a pod's containers or init containers."""

    name: Required[str]
    image: str | None
    command: list[str] | None
    args: list[str] | None
    env: list[Variable] | None
    ports: list[Port] | None
    livenessProbe: Probe | None
    readinessProbe: Probe | None
    startupProbe: Probe | None
    lifecycle: Lifecycle | None
    securityContext: Security | None
    volumeMounts: list[Mount] | None
    restartPolicy: str | None


class Volume(TypedDict):
    """By name; its source is none of our business."""

    name: str


class System(TypedDict):
    """The operating system that a pod is for."""

    name: str


class Spec(TypedDict, total=False):
    """A pod's spec."""

    containers: list[Container] | None
    initContainers: list[Container] | None
    volumes: list[Volume] | None
    hostNetwork: bool | None
    hostPID: bool | None
    shareProcessNamespace: bool | None
    terminationGracePeriodSeconds: Annotated[int, Field(ge=0)] | None
    os: System | None
    securityContext: Security | None


class Metadata(TypedDict, total=False):
    """A pod's metadata."""

    name: str | None
    labels: dict[str, str] | None
    annotations: dict[str, str] | None


class Pod(TypedDict, total=False):
    """A pod, or the template of one."""

    metadata: Metadata | None
    spec: Required[Spec]


_SHAPE = TypeAdapter(Pod)


def shaped(pod: Json) -> Pod:
    """A copy of the JSON that has a pod's shape. Raises `PodRefused`."""
    try:
        copy = orjson.loads(orjson.dumps(pod))
    except (orjson.JSONEncodeError, orjson.JSONDecodeError) as error:
        raise PodRefused(
            [f"the pod cannot be read: {error}; write it as JSON or YAML that Kubernetes takes"]
        ) from error
    try:
        _SHAPE.validate_python(copy, strict=True)
    except ValidationError as error:
        raise PodRefused(_texts(error)) from error
    return cast("Pod", copy)


def _texts(error: ValidationError) -> list[str]:
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return [
        f"{'.'.join(map(str, detail['loc'])) or 'pod'}: {detail['msg']}; `kubectl explain pod` shows what belongs there"
        for detail in details[:PROBLEMS_LIMIT]
    ]


def containers_of(pod: Pod) -> list[Container]:
    """Those that run side by side."""
    return pod["spec"].get("containers") or []


def init_containers_of(pod: Pod) -> list[Container]:
    """Those that start one after the other, native sidecars among them."""
    return pod["spec"].get("initContainers") or []


def all_containers_of(pod: Pod) -> list[Container]:
    """Both."""
    return [*containers_of(pod), *init_containers_of(pod)]


def tcp_ports_of(container: Container) -> list[Port]:
    """Its entries for ports that take connections; TCP is Kubernetes' default."""
    return [port for port in container.get("ports") or [] if (port.get("protocol") or "TCP") == "TCP"]


def annotations_of(pod: Pod) -> dict[str, str]:
    """All of a pod's annotations."""
    return (pod.get("metadata") or {}).get("annotations") or {}
