"""One keep-alive connection to a server: one request at a time, one response for each, whole or part by part."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from sidecar.http1.errors import Crowded, ExchangeFailed, Timeout, Truncated, Unreachable
from sidecar.http1.response_reader import ResponseReader
from sidecar.model.message import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.model.budget import Budget
    from sidecar.model.message import Body

JOIN_LIMIT_BYTES = 64 * 1024
"""Below this, copying the body behind the head costs less than a second write."""
PART_LIMIT_BYTES = 64 * 1024
"""Of a response that is taken part by part: reading stops while so much waits. And so much of a whole one comes however
full memory is: a probe must pass, or a busy model server is restarted."""


class Connection(asyncio.Protocol):
    """Made by the pool. `on_lost` is called once, when the connection is gone for good."""

    __slots__ = (
        "_budget",
        "_failure",
        "_held_bytes",
        "_loop",
        "_on_lost",
        "_paused",
        "_reader",
        "_response_limit_bytes",
        "_reusable",
        "_streamed",
        "_transport",
        "_waiter",
        "idle_since_s",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[[Connection], None],
        response_limit_bytes: int,
        budget: Budget,
    ) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._response_limit_bytes = response_limit_bytes
        self._budget = budget
        self._held_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._reader: ResponseReader | None = None
        self._streamed = False
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._failure: ExchangeFailed | None = None
        self._reusable = True
        self.idle_since_s = 0.0

    @property
    def usable(self) -> bool:
        """Whether another request may be written."""
        return self._reusable and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, head: bytes, body: Body, *, is_head: bool, timeout_s: float) -> Response:
        """Sends one request and gives its response; raises `ExchangeFailed`.

        Whatever goes wrong, cancellation included, ends the connection: it is not `usable` then.
        """
        reader = ResponseReader(self._response_limit_bytes, is_head=is_head)
        self._send(reader, head, body)
        try:
            await self._told(timeout_s)
            return reader.response
        finally:
            self._budget.release(self._held_bytes)
            self._held_bytes = 0
            self._reader = None
            reader.close()

    async def begin(self, head: bytes, body: Body, *, timeout_s: float) -> Response:
        """Sends one request and gives its response's head; `part` gives the body. Otherwise as `exchange`."""
        reader = ResponseReader(None)
        self._send(reader, head, body)
        self._streamed = True
        while not reader.has_head:
            await self._told(timeout_s)
        return Response(reader.response.status, reader.response.headers)

    async def part(self, timeout_s: float) -> bytes:
        """The next part of a body, empty at its end; raises `ExchangeFailed`."""
        reader = self._reader
        if reader is None:
            raise Truncated("the connection is gone")
        while not reader.waiting_bytes and not reader.complete:
            await self._told(timeout_s)
        if self._paused and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return reader.take()

    def settle(self) -> None:
        """After a streamed response, taken to its end or not: what is still to come would be nobody's."""
        reader = self._reader
        if reader is not None and (self._paused or not reader.complete):
            self.abort()
        self._reader = None
        if reader is not None:
            reader.close()

    def _send(self, reader: ResponseReader, head: bytes, body: Body) -> None:
        transport = self._transport
        if transport is None or not self.usable:
            raise Unreachable("the connection was gone before the request")
        self._reader = reader
        self._streamed = False
        if len(body) <= JOIN_LIMIT_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))

    async def _told(self, timeout_s: float) -> None:
        """Waits for news: the whole response, or more of a streamed one."""
        if self._failure is not None:
            raise self._failure
        self._waiter = self._loop.create_future()
        timer = self._loop.call_later(timeout_s, self._fail, Timeout("no response in time"))
        try:
            await self._waiter
        except BaseException:  # cancellation too: what is still to come on this connection is nobody's
            self.abort()
            raise
        finally:
            timer.cancel()
            self._waiter = None

    def _tell(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def abort(self) -> None:
        """Ends the connection at once; unsent bytes are dropped."""
        self._reusable = False
        if self._reader is not None:
            self._reader.close()
            self._reader = None
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, failure: ExchangeFailed) -> None:
        self._reusable = False
        if self._failure is None:
            self._failure = failure
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(failure)
        elif self._transport is not None:  # between two parts of a stream
            self._transport.abort()

    def _count(self, reader: ResponseReader) -> None:
        more_bytes = reader.waiting_bytes - self._held_bytes
        if reader.waiting_bytes > PART_LIMIT_BYTES and not self._budget.fits(more_bytes):
            raise Crowded("no room for the response beside what is held already")
        self._budget.hold(more_bytes)
        self._held_bytes += more_bytes

    def _complete(self, reader: ResponseReader, transport: asyncio.Transport) -> None:
        # RFC 9112 9.3: a connection is kept only if the message was framed and the server wants to keep it.
        # An answer that came before we had sent everything leaves the server reading who knows what.
        self._reusable = reader.reusable and transport.get_write_buffer_size() == 0
        self._tell()
        if not self._reusable:
            transport.abort()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is up."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Bytes for the response under way; without one they are nobody's: not trusted."""
        reader, transport = self._reader, self._transport
        if reader is None or transport is None:
            self.abort()
            return
        if reader.complete:  # what is left to take of it is sound; what follows is not
            self._reusable = False
            transport.abort()
            return
        try:
            reader.feed(data)
            if not self._streamed:
                self._count(reader)
        except ExchangeFailed as failure:
            self._fail(failure)
            return
        if reader.complete:
            self._complete(reader, transport)
        elif self._streamed:
            if reader.waiting_bytes > PART_LIMIT_BYTES and not self._paused:
                self._paused = True
                transport.pause_reading()
            self._tell()

    def eof_received(self) -> bool:
        """The server closed in order: the end of a body without length, or of the connection."""
        if self._reader is not None and self._transport is not None and not self._reader.complete:
            try:
                self._reader.end()
            except ExchangeFailed as failure:
                self._fail(failure)
            else:
                self._complete(self._reader, self._transport)
        self._reusable = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by whosever wish."""
        self._fail(Truncated("the connection broke before the response was complete"))
        self._transport = None
        self._on_lost(self)
