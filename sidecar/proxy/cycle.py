"""One request and its response in uvicorn's terms: the scope, the cycle that runs the app, its transport."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from sidecar.proxy.incoming import EXTENSION, Incoming

if TYPE_CHECKING:
    from collections.abc import Callable

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, HTTPScope
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from sidecar.http1.request_reader import Head


class Cycle(RequestResponseCycle):
    """uvicorn's own; but a body that is cut short by a violation never looks complete."""

    incoming: Incoming
    keep_until_s: float = math.inf
    """The event loop's time from which on an answer is the connection's last."""

    async def receive(self) -> ASGIReceiveEvent:
        """The next part of the body; `http.disconnect` once there is a violation."""
        message = await super().receive()
        return message if self.incoming.violation is None else {"type": "http.disconnect"}

    def cut(self) -> None:
        """Ends the connection in the middle of a response, so that nobody takes it for whole."""
        self.disconnected = True
        cast("ResponseTransport", self.transport).abort()

    async def send(self, message: ASGISendEvent) -> None:
        """As uvicorn's; but head and body leave in one call of the system where there is a body."""
        if message["type"] == "http.response.start":
            if asyncio.get_running_loop().time() >= self.keep_until_s:
                self.keep_alive = False
            if self.scope["method"] != "HEAD":
                cast("ResponseTransport", self.transport).hold()
        begun = self.response_started
        try:
            await super().send(message)
        except Exception:
            if not begun:  # uvicorn says so before it looks at the fields, but writes only when all are good
                self.response_started = False
                self.chunked_encoding = None
            raise


class ResponseTransport:
    """A transport for cycles: the connection's own, but `close` may have to linger, and a write can be held."""

    __slots__ = ("_held", "_holding", "_transport", "abort", "close", "is_closing")

    def __init__(self, transport: asyncio.Transport, close: Callable[[], None]) -> None:
        self._transport = transport
        self._holding = False
        self._held = b""
        self.is_closing = transport.is_closing
        self.abort = transport.abort
        self.close = close

    def untie(self) -> None:
        """The connection is gone: there is nothing left to linger for."""
        self.close = self._transport.close

    def hold(self) -> None:
        """Keeps what is written next, until something more is written."""
        self._holding = True

    def write(self, data: bytes) -> None:
        """Writes, behind what was held."""
        if self._holding:
            self._holding = False
            self._held = data
        elif self._held:
            held, self._held = self._held, b""
            self._transport.writelines((held, data))
        else:
            self._transport.write(data)


def cycle_of(
    protocol: HttpToolsProtocol, head: Head, incoming: Incoming, transport: asyncio.Transport, *, keep_alive: bool
) -> Cycle:
    """The cycle of a request on this connection, not started."""
    scope = scope_of(head, incoming, scheme=protocol.scheme or "http", client=protocol.client, server=protocol.server)
    cycle = Cycle(
        scope=scope,
        transport=transport,
        flow=protocol.flow,
        logger=protocol.logger,
        access_logger=protocol.access_logger,
        access_log=protocol.access_log,
        default_headers=protocol.server_state.default_headers,
        message_event=asyncio.Event(),
        expect_100_continue=head.framing is not None and head.framing.expects_continue,
        keep_alive=keep_alive,
        on_response=protocol.on_response_complete,
    )
    cycle.incoming = incoming
    incoming.cut = cycle.cut
    return cycle


def scope_of(
    head: Head,
    incoming: Incoming,
    *,
    scheme: str,
    client: tuple[str, int] | None,
    server: tuple[str, int | None] | None,
) -> HTTPScope:
    """The ASGI scope. `path` is as sent, not decoded: what is judged is what is forwarded."""
    path, _, query = head.target.partition(b"?")
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": head.version,
        "scheme": scheme,
        "client": client,
        "server": server,
        "root_path": "",
        "method": head.method.decode("ascii"),
        "path": path.decode("ascii"),
        "raw_path": path,
        "query_string": query,
        "headers": head.fields,
        "extensions": {EXTENSION: incoming},
    }
    return cast("HTTPScope", scope)
