"""Which port the sidecar takes over, where the model moves, which ports are closed and which stay.

Same port: the model listens on 127.0.0.1:P, the sidecar on POD_IP:P. So Services find the sidecar where they found the
model, by number or by name, and a model that would still listen on every address finds its port taken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from sidecar.injector import names
from sidecar.injector.servers.server import Doors
from sidecar.injector.shape import PORT_LIMIT, all_containers_of, tcp_ports_of
from sidecar.injector.values import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.injector.asked import Asked
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.find import Serving
    from sidecar.injector.shape import Container, Pod, Port

HTTP_NAMES = frozenset({"http", "http1", "h2c", "https", "http-inference", "rest", "preds", "inference"})
UNPRIVILEGED_PORT = 1024
MOVED_BY = 10_000
FIRST_SPARE_PORT = 20_000
MANAGEMENT_PORT = 8081


@dataclass(frozen=True, slots=True)
class Ports:
    """All that is decided about a guarded pod's ports."""

    doors: Doors
    moved: tuple[Port, ...]
    """Entries of the serving container that are the sidecar's now."""
    closed: tuple[Port, ...]
    """Entries of it that are removed: gRPC, management, whatever else it listens on beside metrics."""
    checked: tuple[int, ...]
    """Where nothing may answer on the pod's own address, but for the sidecar itself."""
    explained: tuple[str, ...]


def plan_ports(pod: Pod, serving: Serving, asked: Asked, config: InjectorConfig, problems: list[str]) -> Ports | None:
    """The ports; None, and why in `problems`, where no port can be told."""
    found = _public(serving, asked, problems)
    if found is None:
        return None
    public, why = found
    if public < UNPRIVILEGED_PORT:
        problems.append(
            f"port {public} takes a privilege that the sidecar has not; let the model listen on 1024 or above"
        )
    own = tcp_ports_of(serving.container)
    others = _declared(container for container in all_containers_of(pod) if container is not serving.container)
    taken = {*others, config.admin_port, names.OPA_DIAGNOSTIC_PORT}
    known = {*serving.server.other_ports, *(port["containerPort"] for port in own), public}
    doors = _doors(serving, public, taken, known)
    stay = _metrics_ports(serving, own)
    closed = [port for port in own if port["containerPort"] not in {public, *stay}]
    checked = {*known, serving.server.http_port, doors.upstream, *([doors.spare] if serving.server.manages else [])}
    return Ports(
        doors=doors,
        moved=tuple(port for port in own if port["containerPort"] == public),
        closed=tuple(closed),
        checked=tuple(sorted(checked - stay - taken)),
        explained=(f"the sidecar takes port {public}: {why}", *map(_told_closed, closed)),
    )


def _told_closed(port: Port) -> str:
    label = f" ({port.get('name')})" if port.get("name") else ""
    return f"port {port['containerPort']}{label} is closed: only what is judged gets in"


def _public(serving: Serving, asked: Asked, problems: list[str]) -> tuple[int, str] | None:
    """The port that clients know, and by what."""
    if asked.port is not None:
        return _asked(serving, asked.port, problems)
    command, server = serving.command, serving.server
    for source, text in (
        (" or ".join(server.port_flags), command.flag(*server.port_flags)),
        (server.port_variable or "", command.variable(server.port_variable or "")),
    ):
        if text is not None:
            return _number(text, source, problems)
    if server.port_variable and command.is_indirect(server.port_variable):
        problems.append(f"{server.port_variable} comes from elsewhere; say the port in annotation {names.PORT}")
        return None
    return _declared_http(serving) or (server.http_port, f"{server.kind}'s own")


def _asked(serving: Serving, port: int | str, problems: list[str]) -> tuple[int, str] | None:
    if isinstance(port, int):
        return port, f"annotation {names.PORT}"
    number = resolve(serving.container, port)
    if number is None:
        problems.append(f"annotation {names.PORT}: the serving container has no port {port!r}; write its number")
        return None
    return number, f"annotation {names.PORT}"


def _number(text: str, source: str, problems: list[str]) -> tuple[int, str] | None:
    number = _port_number(text)
    if number is not None:
        return number, source
    problems.append(f"{source} is {shown(text)}, no port; say the port in annotation {names.PORT}")
    return None


def _port_number(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[0-9]{1,5}", text) or not 1 <= int(text) <= PORT_LIMIT:
        return None
    return int(text)


def _declared_http(serving: Serving) -> tuple[int, str] | None:
    """The container's own entry for HTTP: the server's usual port, one named so, or the only one."""
    own = tcp_ports_of(serving.container)
    usual = [port for port in own if port["containerPort"] == serving.server.http_port]
    named = [port for port in own if port.get("name") in HTTP_NAMES]
    for found in (usual, named, own):
        if len(found) == 1:
            return found[0]["containerPort"], "the container's entry in `ports`"
    return None


def _doors(serving: Serving, public: int, taken: set[int], known: set[int]) -> Doors:
    upstream = public if serving.server.on_loopback else _free(public + MOVED_BY, taken | known)
    spare = _free(MANAGEMENT_PORT, taken | {public, upstream})
    return Doors(public, upstream, spare)


def _free(wish: int, taken: set[int]) -> int:
    """The wish, or the next port that nobody has; a pod has far fewer than there are."""
    candidates = chain(range(wish, PORT_LIMIT + 1), range(FIRST_SPARE_PORT, PORT_LIMIT + 1))
    return next((port for port in candidates if port not in taken), PORT_LIMIT)


def _metrics_ports(serving: Serving, own: list[Port]) -> set[int]:
    """Ports of metrics alone, which stay open where the server has such a port and it is not bound to loopback."""
    if serving.server.metrics_port is None:
        return set()
    given = _port_number(serving.command.flag(serving.server.metrics_flag)) if serving.server.metrics_flag else None
    named = {port["containerPort"] for port in own if port.get("name") == "metrics"}
    return {given or serving.server.metrics_port, *named}


def _declared(containers: Iterable[Container]) -> set[int]:
    return {port["containerPort"] for container in containers for port in container.get("ports") or []}


def resolve(container: Container, target: int | str) -> int | None:
    """A port by number, or by the name that the container gives it."""
    if isinstance(target, int):
        return target
    return next((port["containerPort"] for port in container.get("ports") or [] if port.get("name") == target), None)
