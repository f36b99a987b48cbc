"""Probes that can no longer reach the model, made the sidecar's.

The kubelet calls a pod's own address, where the model does not listen any more. So it asks the sidecar's admin port,
which performs the probe as it was written on loopback and says how it went.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

from pydantic import TypeAdapter, ValidationError

from sidecar.injector.ports import resolve
from sidecar.injector.shape import all_containers_of
from sidecar.settings.probes import Probes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.find import Serving
    from sidecar.injector.ports import Ports
    from sidecar.injector.servers.server import ProbeKind
    from sidecar.injector.shape import Container, Hook, HttpGet, Pod, Probe, TcpSocket
    from sidecar.injector.values import Json

Field = Literal["livenessProbe", "readinessProbe", "startupProbe"]
FIELDS: dict[Field, ProbeKind] = {
    "livenessProbe": "liveness",
    "readinessProbe": "readiness",
    "startupProbe": "startup",
}
HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
"""Kubernetes' own, written out: the API server would, and a guarded pod is to stay as it was made."""
TIMEOUT_LIMIT_S = 10
_TAKEN: TypeAdapter[Probes] = TypeAdapter(Probes)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A probe of one container, as the kubelet is to ask it, and what the sidecar then does."""

    container: str
    field: Field
    probe: Json
    performed: Json

    @property
    def name(self) -> str:
        """As the sidecar knows it: `CONTAINER/liveness`."""
        return f"{self.container}/{FIELDS[self.field]}"


def rewritten(
    pod: Pod, serving: Serving, ports: Ports, config: InjectorConfig, problems: list[str]
) -> tuple[Rewritten, ...]:
    """All probes that have to change."""
    view = _View(serving, ports, config, problems)
    found: list[Rewritten] = []
    for container in all_containers_of(pod):
        for field, kind in FIELDS.items():
            probe = container.get(field)
            performed = view.performed(container, field, probe) if probe else None
            if probe and performed is not None:
                performed["timeout_s"] = min(probe.get("timeoutSeconds") or DEFAULTS["timeoutSeconds"], TIMEOUT_LIMIT_S)
                asked = _asked(probe, f"/app-health/{container['name']}/{kind}", config.admin_port)
                found.append(Rewritten(container["name"], field, asked, performed))
        problems.extend(view.hooks(container))
    problems.extend(_misfits(found))
    return tuple(found)


def _misfits(found: list[Rewritten]) -> Iterator[str]:
    """What the sidecar would not take."""
    try:
        _TAKEN.validate_python({probe.name: probe.performed for probe in found})
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            place = " ".join(map(str, detail["loc"]))
            told = f"{place}: {detail['msg']}"
            yield f"the sidecar cannot perform a probe: {told}; change it, or use exec in the container"


def _asked(probe: Probe, path: str, port: int) -> Json:
    """The same probe, times included, of the sidecar. What is zero the API server would leave out."""
    kept = {key: value for key, value in cast("Json", probe).items() if key not in HANDLERS and value}
    return {"httpGet": {"path": path, "port": port, "scheme": "HTTP"}, **DEFAULTS, **kept}


@dataclass(frozen=True, slots=True)
class _View:
    """A pod's ports from where the kubelet stands."""

    serving: Serving
    ports: Ports
    config: InjectorConfig
    problems: list[str]

    def performed(self, container: Container, field: Field, probe: Probe) -> Json | None:
        """What the sidecar does in the kubelet's place; None where the kubelet can still do it itself."""
        where = f"{FIELDS[field]} probe of container {container['name']}"
        if (call := probe.get("grpc")) and self._is_ours(container, call["port"]):
            return self._health(field)
        if (get := probe.get("httpGet")) and (port := self._port(container, get, where)):
            return {"http": _http(get, self._inside(port))}
        if (socket := probe.get("tcpSocket")) and (port := self._port(container, socket, where)):
            return {"tcp": {"port": self._inside(port)}} if port == self.ports.doors.public else self._health(field)
        return None

    def hooks(self, container: Container) -> Iterator[str]:
        """Hooks that call what is closed to them now."""
        lifecycle = container.get("lifecycle") or {}
        for name, hook in (("postStart", lifecycle.get("postStart")), ("preStop", lifecycle.get("preStop"))):
            where = f"{name} hook of container {container['name']}"
            if hook and any(self._port(container, call, where) for call in _calls(hook)):
                yield f"{where} calls a port of the model from outside; use exec in the container instead"

    def _port(self, container: Container, call: HttpGet | TcpSocket, where: str) -> int | None:
        """The port called, where it is one that only the sidecar can reach now."""
        if call.get("host"):
            return None  # another machine's
        port = resolve(container, call["port"])
        if port is None:
            self.problems.append(f"{where} names port {call['port']!a}, which the container has not; write its number")
            return None
        if port == self.config.admin_port:
            self.problems.append(
                f"{where} calls port {port}, the sidecar's admin port; let it call the container's own"
            )
            return None
        return port if self._is_ours(container, port) else None

    def _is_ours(self, container: Container, port: int) -> bool:
        if container is self.serving.container:
            return True
        closed = {entry["containerPort"] for entry in self.ports.closed}
        return port in {self.ports.doors.public, self.ports.doors.upstream, *closed}

    def _inside(self, port: int) -> int:
        return self.ports.doors.upstream if port == self.ports.doors.public else port

    def _health(self, field: Field) -> Json:
        """The server's own word over HTTP: its other ports are closed."""
        health = self.serving.server.health
        if health is None:
            return {"tcp": {"port": self.ports.doors.upstream}}
        return {"http": _http({"port": 0, "path": health[FIELDS[field]]}, self.ports.doors.upstream)}


def _http(get: HttpGet, port: int) -> Json:
    headers = [[header["name"], header.get("value") or ""] for header in get.get("httpHeaders") or []]
    path = "/" + (get.get("path") or "").removeprefix("/")  # as the kubelet does
    return {"port": port, "path": path, "scheme": get.get("scheme") or "HTTP", "headers": headers}


def _calls(hook: Hook) -> Iterator[HttpGet | TcpSocket]:
    for call in (hook.get("httpGet"), hook.get("tcpSocket")):
        if call:
            yield call
