"""Which of a pod's containers serves the model, and what server it is. Annotations decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.injector import names
from sidecar.injector.servers.catalogue import SERVERS, recognised
from sidecar.injector.servers.command import Command
from sidecar.injector.shape import containers_of, init_containers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.injector.asked import Asked
    from sidecar.injector.servers.server import Server
    from sidecar.injector.shape import Container, Pod

KSERVE_NAME = "kserve-container"
"""What KServe names the serving container of every InferenceService."""
SHOWN_LIMIT = 10
"""Containers that a problem names."""
_SAY_WHICH = f"name the one that serves the model in annotation {names.CONTAINER}"


@dataclass(frozen=True, slots=True)
class Serving:
    """The serving container, its kind of server, and how both were told."""

    command: Command
    server: Server
    explained: tuple[str, ...]

    @property
    def container(self) -> Container:
        """The serving container itself."""
        return self.command.container

    @property
    def name(self) -> str:
        """The container's."""
        return self.container["name"]


def find(pod: Pod, asked: Asked, problems: list[str]) -> Serving | None:
    """The serving container; None, and why in `problems`, where there is not exactly one."""
    found = _container(containers_of(pod), asked, problems)
    if found is None:
        return None
    container, why = found
    problems.extend(_unguarded(pod, container))
    command = Command(container)
    kind = _kind(command, asked, problems)
    if kind is None:
        return None
    server, told_by = kind
    told = (f"container {container['name']} serves the model: {why}", f"its server is {server.kind}: {told_by}")
    return Serving(command, server, told)


def _container(containers: list[Container], asked: Asked, problems: list[str]) -> tuple[Container, str] | None:
    by_name = {container["name"]: container for container in containers}
    if not containers:
        problems.append("the pod has no containers; add the one that serves the model")
    elif asked.container is not None:
        if asked.container in by_name:
            return by_name[asked.container], f"annotation {names.CONTAINER}"
        there = _listed(containers)
        problems.append(
            f"annotation {names.CONTAINER}: {asked.container!r} is none of the pod's ({there}); {_SAY_WHICH}"
        )
    elif len(containers) == 1:
        return containers[0], "there is no other"
    elif KSERVE_NAME in by_name:
        return by_name[KSERVE_NAME], "KServe's name for it"
    else:
        return _only_server(containers, problems)
    return None


def _only_server(containers: list[Container], problems: list[str]) -> tuple[Container, str] | None:
    servers = [container for container in containers if recognised(Command(container))[0]]
    if len(servers) == 1:
        return servers[0], "it alone runs a known model server"
    if servers:
        problems.append(f"several containers run a model server ({_listed(servers)}); give each a pod of its own")
    else:
        problems.append(f"none of the containers ({_listed(containers)}) is known to run a model server; {_SAY_WHICH}")
    return None


def _unguarded(pod: Pod, serving: Container) -> Iterator[str]:
    """A second server would stand open beside the one that is guarded."""
    native = [container for container in init_containers_of(pod) if container.get("restartPolicy") == "Always"]
    for container in (*containers_of(pod), *native):
        servers, told_by = recognised(Command(container))
        if container is not serving and servers:
            name = container["name"]
            yield (
                f"container {name} runs a model server too ({servers[0].kind}, by {told_by}), which nothing "
                "would guard; give it a pod of its own"
            )


def _listed(containers: list[Container]) -> str:
    listed = ", ".join(container["name"] for container in containers[:SHOWN_LIMIT])
    return listed + (", …" if len(containers) > SHOWN_LIMIT else "")


def _kind(command: Command, asked: Asked, problems: list[str]) -> tuple[Server, str] | None:
    servers, told_by = recognised(command)
    kinds = ", ".join(server.kind for server in servers)
    if asked.server is not None:
        if servers and told_by == "its command line" and asked.server not in {server.kind for server in servers}:
            problems.append(
                f"annotation {names.SERVER} says {asked.server}, the command line {kinds}; correct one of the two"
            )
            return None
        return SERVERS[asked.server], f"annotation {names.SERVER}"
    if len(servers) == 1:
        return servers[0], told_by
    name = command.container["name"]
    problem = f"may be any of {kinds}" if servers else "is not known by its image or command line"
    problems.append(
        f"the server in container {name} {problem}; name it in annotation {names.SERVER}: {', '.join(SERVERS)}"
    )
    return None
