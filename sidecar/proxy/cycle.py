"""One request and its response in uvicorn's terms: the scope, the cycle that runs the app, its transport."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from sidecar.proxy.incoming import EXTENSION, Incoming

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from uvicorn._types import ASGIReceiveEvent, ASGISendEvent, HTTPScope

    from sidecar.http1.request_reader import Head


class Cycle(RequestResponseCycle):
    """uvicorn's own; but a body that is cut short by a violation never looks complete."""

    incoming: Incoming

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
        if message["type"] == "http.response.start" and self.scope["method"] != "HEAD":
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
