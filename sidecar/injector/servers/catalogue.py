"""All kinds of model servers, and which of them a container runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.injector.servers import kserve, mlserver, openai, tfserving, torchserve, triton

if TYPE_CHECKING:
    from sidecar.injector.servers.command import Command
    from sidecar.injector.servers.server import Server

SERVERS: dict[str, Server] = {
    module.SERVER.kind: module.SERVER for module in (triton, torchserve, kserve, mlserver, tfserving, openai)
}


def recognised(command: Command) -> tuple[list[Server], str]:
    """The kinds that a container may run and by what: its command line, or where that tells none its image."""
    by_program = [server for server in SERVERS.values() if any(map(server.program.fullmatch, command.programs))]
    if by_program:
        return by_program, "its command line"
    return [server for server in SERVERS.values() if server.image.search(command.image)], "its image"
