"""Who takes the next connection: here the doors of two workers, on one loop and one socket."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from sidecar.app.workers.counters import Counted, Counters, make_memory
from sidecar.app.workers.door import Door, DoorServer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.model.budget import Budget

pytestmark = pytest.mark.anyio


@dataclass
class Behind:
    """A worker behind its door: what it took, each counted as the protocol does."""

    connections: Budget
    taken: list[socket.socket] = field(default_factory=list[socket.socket])

    def take(self, accepted: socket.socket) -> None:
        self.taken.append(accepted)
        self.connections.hold(1)


@dataclass
class Entrance:
    """One socket, two workers, and clients."""

    listener: socket.socket
    counters: Counters
    workers: list[Behind]
    doors: list[Door]
    clients: list[socket.socket] = field(default_factory=list[socket.socket])

    async def come(self, count: int) -> None:
        """So many clients at once; returns when all are in."""
        before = self.inside
        for _ in range(count):
            self.clients.append(socket.create_connection(self.listener.getsockname()))
        async with asyncio.timeout(10):
            while self.inside < before + count:  # noqa: ASYNC110 - what is waited for happens in the kernel, too
                await asyncio.sleep(0.001)

    @property
    def inside(self) -> int:
        return sum(len(worker.taken) for worker in self.workers)

    @property
    def shares(self) -> list[int]:
        return [len(worker.taken) for worker in self.workers]


@asynccontextmanager
async def entrance() -> AsyncGenerator[Entrance]:
    memory = make_memory(2)
    counters = Counters(memory, 2)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        workers = [Behind(counters.budget(Counted.CONNECTIONS, number, 1_000)) for number in (0, 1)]
        doors = [Door(listener.dup(), counters, number, worker.take) for number, worker in enumerate(workers)]
        made = Entrance(listener, counters, workers, doors)
        try:
            yield made
        finally:
            for each in (*made.clients, *(taken for worker in workers for taken in worker.taken)):
                each.close()
            for door in doors:
                door._listener.close()
            os.close(memory)


async def test_connections_are_shared_evenly() -> None:
    async with entrance() as made:
        for door in made.doors:
            door.open()
        await made.come(64)
        assert max(made.shares) - min(made.shares) <= 2
        for door in made.doors:
            door.close()


async def test_who_has_fewer_catches_up() -> None:
    async with entrance() as made:
        made.doors[0].open()
        await made.come(10)
        made.doors[1].open()
        await made.come(10)
        assert made.shares == [10, 10]
        for door in made.doors:
            door.close()


async def test_a_worker_that_does_not_look_up_is_not_waited_for_long() -> None:
    """It has fewer, and is not at its door: a worker that hangs, or starts."""
    async with entrance() as made:
        made.doors[0].open()
        await made.come(5)
        assert made.shares == [5, 0]
        made.doors[0].close()


async def test_behind_a_closed_door_the_socket_goes_on_for_the_other() -> None:
    async with entrance() as made:
        for door in made.doors:
            door.open()
        made.doors[0].close()
        await made.come(3)
        assert made.shares == [0, 3]
        made.doors[1].close()


async def test_without_files_it_waits_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with entrance() as made:

        class Poor:
            """A listener whose process has no more files, once."""

            def __init__(self) -> None:
                self.failures = 1

            def fileno(self) -> int:
                return made.listener.fileno()

            def setblocking(self, flag: bool) -> None:
                made.listener.setblocking(flag)

            def accept(self) -> Any:
                if self.failures:
                    self.failures -= 1
                    raise OSError(24, "Too many open files")
                return made.listener.accept()

            def close(self) -> None:
                pass

        made.doors[0]._listener.close()
        monkeypatch.setattr(made.doors[0], "_listener", Poor())
        made.doors[0].open()
        await made.come(1)
        assert made.shares == [1, 0]
        made.doors[0].close()
    assert "no connection can be accepted: [Errno 24]" in caplog.text


async def test_a_server_behind_a_door_answers_and_ends() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async with entrance() as made:
        config = uvicorn.Config(app, lifespan="off", log_config=None, ws="none", timeout_graceful_shutdown=1)
        listener = made.listener.dup()
        server = DoorServer(config, listener, made.counters, 0)
        serving = asyncio.create_task(server.serve([listener]))
        reader, writer = await asyncio.open_connection(*made.listener.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200 OK\r\n")
        server.should_exit = True
        await serving
        assert await reader.read() == b""
        writer.close()
        assert listener.fileno() == -1
