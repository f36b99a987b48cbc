"""The socket that all workers listen to: who has the fewest connections takes the next one.

Left to the kernel, whoever wakes first takes all that waits, and kept connections stay where they are: of 64, one of
two workers had 62 to 64 in most tries. With SO_REUSEPORT a hash shares them out (26 and 39, of 16 also 5 and 12), what
waits for a worker that dies is lost, and another process of the same user could listen there, too, and answer unjudged.
So: one socket, which the supervisor holds as well, and a worker that is ahead of another steps back for a moment.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, cast

from sidecar.app.workers.counters import Counted
from sidecar.serving import Server

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    import uvicorn

    from sidecar.app.workers.counters import Counters

STEP_BACK_S = 0.005
"""How long whoever is ahead leaves a connection to the others. A worker that is busy looks up within less; one that
does not is not waited for."""
NO_FILES_PAUSE_S = 0.1
"""After an accept that failed, as where there are no more files to be had."""

logger = logging.getLogger("sidecar")


class Door:
    """Accepts for one worker, a connection at a time, and hands each to `take`."""

    def __init__(
        self, listener: socket.socket, counters: Counters, worker: int, take: Callable[[socket.socket], None]
    ) -> None:
        self._listener = listener
        self._connections = counters.of(Counted.CONNECTIONS)
        self._worker = worker
        self._take = take
        self._stepped_back = False
        self._pause: asyncio.TimerHandle | None = None

    def open(self) -> None:
        """From now on."""
        self._listener.setblocking(False)
        self._look()

    def close(self) -> None:
        """No more; the socket stays open for the others."""
        asyncio.get_running_loop().remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()

    def _look(self) -> None:
        asyncio.get_running_loop().add_reader(self._listener, self._ready)

    def _ready(self) -> None:
        """Somebody is at the door."""
        self._stepped_back = not self._stepped_back and self._connections[self._worker] > min(self._connections)
        if self._stepped_back:
            self._look_again(STEP_BACK_S)
            return
        try:
            accepted, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError, InterruptedError):  # another worker was faster, or it left
            return
        except OSError as error:
            logger.error("no connection can be accepted: %s", error)  # noqa: TRY400 - the error says it all
            self._look_again(NO_FILES_PAUSE_S)
            return
        self._take(accepted)

    def _look_again(self, after_s: float) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        self._pause = loop.call_later(after_s, self._look)


class DoorServer(Server):
    """A uvicorn server whose connections come in by a door."""

    def __init__(self, config: uvicorn.Config, listener: socket.socket, counters: Counters, worker: int) -> None:
        super().__init__(config)
        self._listener = listener
        self._door = Door(listener, counters, worker, self._begin)
        self._beginning: set[asyncio.Task[None]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn, which gets none of the sockets."""
        del sockets
        await super().startup([])
        self._door.open()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        self._door.close()
        await super().shutdown(sockets)

    def _begin(self, accepted: socket.socket) -> None:
        task = asyncio.get_running_loop().create_task(self._connect(accepted))
        self._beginning.add(task)  # the loop itself keeps no task alive
        task.add_done_callback(self._beginning.discard)

    async def _connect(self, accepted: socket.socket) -> None:
        config = self.config
        protocol = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)  # as uvicorn itself calls it
        state = {"config": config, "server_state": self.server_state, "app_state": self.lifespan.state}
        try:
            loop = asyncio.get_running_loop()
            await loop.connect_accepted_socket(lambda: protocol(**state), accepted, ssl=config.ssl)
        except (OSError, EOFError) as error:  # a handshake that failed, a client that left
            logger.debug("a connection came to nothing: %s", error)
            accepted.close()
