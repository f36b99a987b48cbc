"""A strict server on a real socket, in front of an exchange that records; and clients that send raw bytes."""

from __future__ import annotations

import asyncio
import contextlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.server import ServerState

from sidecar.model.message import Request, Response
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from sidecar.proxy.problem import problem
from sidecar.proxy.server import StrictProtocol, strict_protocol
from tests.unit.http1.scripted import run, until

__all__ = ["RecordingExchange", "Wire", "configured", "run", "serving", "statuses", "until"]

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

    from sidecar.model.reasons import Reason
    from sidecar.proxy.client import Client


@dataclass
class RecordingExchange:
    """Answers 200 with what it got. With a `gate`, only when that is set."""

    gate: asyncio.Event | None = None
    handled: list[Request] = field(default_factory=list)
    refused: list[tuple[Request, tuple[Reason, ...]]] = field(default_factory=list)
    aborted: list[Request] = field(default_factory=list)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    answer: Response | None = None

    async def handle(self, request: Request, client: Client | None = None) -> Response | None:
        self.handled.append(request)
        self.entered.set()
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.aborted.append(request)
            raise
        finally:
            self.left.set()
        return self.answer or Response(200, ((b"content-type", b"text/plain"),), request.path.encode())

    async def refuse(
        self,
        request: Request,
        reasons: tuple[Reason, ...],
        *,
        allow: tuple[str, ...] = (),
    ) -> Response:
        self.refused.append((request, reasons))
        self.left.set()
        return problem(reasons, "0" * 32, allow=allow)

    @property
    def codes(self) -> list[str]:
        return [reason.code for _, reasons in self.refused for reason in reasons]


@dataclass
class Wire:
    """One running server."""

    port: int
    exchange: RecordingExchange
    front: Front
    state: ServerState

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def connections(self, count: int) -> None:
        """Waits until the server has that many."""
        await until(lambda: len(self.state.connections) == count)

    async def say(self, *parts: bytes, end: bool = False) -> bytes:
        """Sends the parts, then reads until the server closes; `end` closes our side first."""
        reader, writer = await self.connect()
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            if end:
                writer.write_eof()
            return await reader.read()
        finally:
            writer.close()


@contextlib.asynccontextmanager
async def serving(
    exchange: RecordingExchange | None = None, *, tls: ssl.SSLContext | None = None, **limits: Any
) -> AsyncIterator[Wire]:
    exchange = exchange or RecordingExchange()
    bounds = HttpLimits(**limits)
    front = Front(exchange, bounds)
    config = configured(front, bounds)
    state = ServerState()

    def protocol() -> StrictProtocol:
        return config.http_protocol_class(config=config, server_state=state, app_state={})  # type: ignore[no-any-return]

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=tls)
    try:
        yield Wire(server.sockets[0].getsockname()[1], exchange, front, state)
    finally:
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()  # type: ignore[union-attr]
        await server.wait_closed()
        await asyncio.gather(*state.tasks, return_exceptions=True)


def configured(front: Front, limits: HttpLimits) -> uvicorn.Config:
    config = uvicorn.Config(
        front,
        http=strict_protocol(limits),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
    )
    config.load()
    return config


def statuses(answer: bytes) -> list[int]:
    """The statuses of all responses in what a connection carried."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]
