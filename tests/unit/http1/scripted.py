"""A server that does what a test says, connection by connection."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import uvloop

from sidecar.http1.pool import Pool
from sidecar.http1.target import Target

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from sidecar.model.message import Response

PATIENCE_S = 10


def run(test: Coroutine[Any, Any, None]) -> None:
    """On the event loop of production."""

    async def bounded() -> None:
        async with asyncio.timeout(PATIENCE_S):
            await test

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(bounded())


async def until(condition: Callable[[], object]) -> None:
    """Lets everything else go on until it is so."""
    while not condition():  # noqa: ASYNC110 - what is waited for is the code's own state, which has no event
        await asyncio.sleep(0)


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """One whole request, framed by its length; raises IncompleteReadError where none comes."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            if line.startswith(b"content-length: "):
                length = int(line.partition(b": ")[2])
        return head + await self.reader.readexactly(length)

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def until_closed(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self.reader.read()


Script = "Callable[[Peer], Awaitable[None]]"


class Served:
    """The server, a pool to it, and what was seen."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.peers: list[Peer] = []

    async def send(
        self, method: bytes = b"POST", target: bytes = b"/a", body: bytes = b"hi", *, timeout_s: float = 5.0
    ) -> Response:
        return await self.pool.send(method, target, ((b"x-one", b"1"),), body, timeout_s=timeout_s)


@contextlib.asynccontextmanager
async def scripted(*scripts: Script, **pool: Any) -> AsyncIterator[Served]:  # type: ignore[valid-type]
    """The n-th connection follows the n-th script, further ones the last."""

    async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        script = scripts[min(len(served.peers), len(scripts) - 1)]
        served.peers.append(Peer(reader, writer))
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await script(served.peers[-1])
        finally:
            writer.close()

    server = await asyncio.start_server(follow, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    served = Served(Pool(Target.parse(f"http://127.0.0.1:{port}"), **pool))
    try:
        yield served
    finally:
        await served.pool.aclose()
        server.close()
        await server.wait_closed()
        for peer in served.peers:
            with contextlib.suppress(ConnectionError):
                await peer.writer.wait_closed()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


async def keep_answering(peer: Peer) -> None:
    """200 to every request, for as long as the connection lasts."""
    while True:
        await peer.request()
        await peer.say(OK)


def answering(data: bytes, *, then_close: bool = False) -> Callable[[Peer], Awaitable[None]]:
    """Those bytes to the first request; then silence, or the end."""

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(data)
        if not then_close:
            await peer.until_closed()

    return script
