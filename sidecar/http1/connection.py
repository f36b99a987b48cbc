"""One keep-alive connection to a server: one request at a time, one response for each."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from sidecar.http1.errors import ExchangeFailed, Timeout, Truncated, Unreachable
from sidecar.http1.response_reader import ResponseReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.model.message import Body, Response

JOIN_LIMIT_BYTES = 64 * 1024
"""Below this, copying the body behind the head costs less than a second write."""


class Connection(asyncio.Protocol):
    """Made by the pool. `on_lost` is called once, when the connection is gone for good."""

    __slots__ = (
        "_answer",
        "_loop",
        "_on_lost",
        "_reader",
        "_response_limit_bytes",
        "_reusable",
        "_timer",
        "_transport",
        "idle_since_s",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        on_lost: Callable[[Connection], None],
        response_limit_bytes: int,
    ) -> None:
        self._loop = loop
        self._on_lost = on_lost
        self._response_limit_bytes = response_limit_bytes
        self._transport: asyncio.Transport | None = None
        self._reader: ResponseReader | None = None
        self._answer: asyncio.Future[Response] | None = None
        self._timer: asyncio.TimerHandle | None = None
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
        transport = self._transport
        if transport is None or not self.usable:
            raise Unreachable("the connection was gone before the request")
        answer: asyncio.Future[Response] = self._loop.create_future()
        self._answer = answer
        self._reader = ResponseReader(self._response_limit_bytes, is_head=is_head)
        self._timer = self._loop.call_later(timeout_s, self._expire)
        if len(body) <= JOIN_LIMIT_BYTES:
            transport.write(head + body)
        else:
            transport.writelines((head, body))
        try:
            return await answer
        except BaseException:  # cancellation too: what is still to come on this connection is nobody's
            self.abort()
            raise
        finally:
            self._timer.cancel()
            self._timer = self._answer = None

    def _expire(self) -> None:
        self._fail(Timeout("no complete response in time"))

    def abort(self) -> None:
        """Ends the connection at once; unsent bytes are dropped."""
        self._reusable = False
        self._reader = None
        if self._transport is not None:
            self._transport.abort()

    def _fail(self, failure: ExchangeFailed) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(failure)
        self._reusable = False

    def _deliver(self, reader: ResponseReader, transport: asyncio.Transport) -> None:
        # RFC 9112 9.3: a connection is kept only if the message was framed and the server wants to keep it.
        # An answer that came before we had sent everything leaves the server reading who knows what.
        self._reusable = reader.reusable and transport.get_write_buffer_size() == 0
        self._reader = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(reader.response)
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
        try:
            reader.feed(data)
        except ExchangeFailed as failure:
            self._fail(failure)
            return
        if reader.complete:
            self._deliver(reader, transport)

    def eof_received(self) -> bool:
        """The server closed in order: the end of a body without length, or of the connection."""
        if self._reader is not None and self._transport is not None:
            try:
                self._reader.end()
            except ExchangeFailed as failure:
                self._fail(failure)
            else:
                self._deliver(self._reader, self._transport)
        self._reusable = False
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone, by whosever wish."""
        self._fail(Truncated("the connection broke before the response was complete"))
        self._transport = None
        self._on_lost(self)
