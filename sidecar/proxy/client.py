"""The client's end of an answer that is passed on as it comes.

A whole answer is returned by the exchange, and the front sends it. A stream is pushed: the exchange says how it
begins, hands on each part, and returns when its OUTCOME stands; only then is it ended, so that a stream that looks
whole to its client is on record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from sidecar.http1.rules import CONNECTION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sidecar.model.message import Response

    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Client(Protocol):
    """What the exchange needs of a client that takes a stream."""

    async def begin(self, head: Response) -> None:
        """Status and fields; nothing of the answer can be taken back from here on."""
        ...

    async def part(self, part: bytes) -> None:
        """Some of the body; returns when the client keeps up."""
        ...


class StreamingClient:
    """`Client` over ASGI. The body is framed in chunks: no length is known."""

    __slots__ = ("_send", "begun")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.begun = False

    async def begin(self, head: Response) -> None:
        """See `Client.begin`."""
        headers = [field for field in head.headers if field[0] not in CONNECTION_FIELDS]
        self.begun = True
        await self._send({"type": "http.response.start", "status": head.status, "headers": headers})
        await self.part(b"")  # a client may wait for the head long before the first part

    async def part(self, part: bytes) -> None:
        """See `Client.part`."""
        await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def end(self) -> None:
        """The stream is whole."""
        await self._send({"type": "http.response.body", "body": b""})
