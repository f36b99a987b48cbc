"""Keep-alive connections to one server, for the data path: to the model server and to OPA.

It carries nothing from one exchange to the next: no cookies, no redirects, no proxies, no decompression,
no environment variables. A response belongs to the request that was written on its connection alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.http1.connection import Connection
from sidecar.http1.errors import Crowded, Unreachable
from sidecar.http1.rules import CONNECTION_FIELDS
from sidecar.model.budget import Budget

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.http1.target import Target
    from sidecar.model.message import Body, Headers, Response

FRAMING_FIELDS = CONNECTION_FIELDS | {b"host", b"expect"}
"""The pool writes `Host` and `Content-Length`; the others would say something about the connection that is not so."""
BODILESS_METHODS = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})
"""Without a body these send no `Content-Length` (RFC 9110 8.6)."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A response whose body is still on its way: `head` has an empty one."""

    head: Response
    connection: Connection
    timeout_s: float

    async def part(self) -> bytes:
        """Some more of the body, empty at its end; raises `ExchangeFailed` where it breaks off."""
        return await self.connection.part(self.timeout_s)


class Pool:
    """At most `max_connections`, made when needed; who finds none free waits in line.

    A connection idle for longer than `idle_limit_s` is closed, not used: many model servers close theirs
    after 5 s, and a request written into a closing connection is lost. Nothing sent is ever sent twice.

    `budget` bounds the bytes of responses together with what else counts in it.
    `ssl_context` defaults to the platform's trust store for `https`; it is not used for other schemes.
    """

    def __init__(
        self,
        target: Target,
        *,
        max_connections: int = 128,
        idle_limit_s: float = 4.0,
        connect_timeout_s: float = 2.0,
        response_limit_bytes: int = 8 * 1024 * 1024,
        budget: Budget | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        self.target = target
        self._idle_limit_s = idle_limit_s
        self._connect_timeout_s = connect_timeout_s
        self._response_limit_bytes = response_limit_bytes
        self._budget = budget or Budget(max_connections * response_limit_bytes)
        self._ssl = (ssl_context or ssl.create_default_context()) if target.scheme == "https" else None
        self._host_line = b" HTTP/1.1\r\nhost: " + target.authority + b"\r\n"
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._places = max_connections  # for connections not made yet; none are free while anyone waits
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        self._all_lost: asyncio.Event = asyncio.Event()

    async def send(self, method: bytes, target: bytes, headers: Headers, body: Body, *, timeout_s: float) -> Response:
        """One exchange within `timeout_s`, waiting and connecting included; raises `ExchangeFailed`.

        `headers` come in lower case, without those of `FRAMING_FIELDS` (ValueError).
        """
        head = self._head(method, target, headers, len(body))
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        connection = self._take_idle(loop) or await self._obtain_by(deadline_s, loop)
        try:
            return await connection.exchange(head, body, is_head=method == b"HEAD", timeout_s=deadline_s - loop.time())
        finally:
            self._release(connection, loop)

    @contextlib.asynccontextmanager
    async def stream(
        self, method: bytes, target: bytes, headers: Headers, body: Body, *, timeout_s: float
    ) -> AsyncGenerator[Streamed]:
        """As `send`, but the body comes part by part; `timeout_s` is for the head, and then for each part.

        Who leaves before the end ends the connection.
        """
        head = self._head(method, target, headers, len(body))
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + timeout_s
        connection = self._take_idle(loop) or await self._obtain_by(deadline_s, loop)
        try:
            response = await connection.begin(head, body, timeout_s=deadline_s - loop.time())
            yield Streamed(response, connection, timeout_s)
        finally:
            connection.settle()
            self._release(connection, loop)

    def _head(self, method: bytes, target: bytes, headers: Headers, body_bytes: int) -> bytes:
        parts = [method, b" ", target, self._host_line]
        for name, value in headers:
            if name in FRAMING_FIELDS:
                raise ValueError("framing fields are the pool's to write")
            parts += name, b": ", value, b"\r\n"
        lines = 3 + len(headers)
        if body_bytes or method not in BODILESS_METHODS:
            parts.append(b"content-length: %d\r\n" % body_bytes)
            lines += 1
        parts.append(b"\r\n")
        head = b"".join(parts)
        # Whatever was let through elsewhere: one request is written here, with these fields and no more.
        if head.count(b"\n") != lines or head.count(b"\r") != lines or b"\0" in head:
            raise ValueError("a line break or NUL within the request's head")
        return head

    # Which connection: idle ones first, the most recently used first, so that superfluous ones grow old.

    def _take_idle(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        oldest_s = loop.time() - self._idle_limit_s
        while self._idle:
            connection = self._idle.pop()
            if connection.usable and connection.idle_since_s >= oldest_s:
                return connection
            connection.abort()
        return None

    async def _obtain_by(self, deadline_s: float, loop: asyncio.AbstractEventLoop) -> Connection:
        try:
            async with asyncio.timeout_at(deadline_s):
                return await self._obtain(loop)
        except TimeoutError as error:
            raise Crowded("no free connection in time") from error

    async def _obtain(self, loop: asyncio.AbstractEventLoop) -> Connection:
        while True:
            if self._places > 0:
                self._places -= 1
                return await self._connect(loop)
            handed = await self._wait(loop)
            if handed is None:
                return await self._connect(loop)
            if handed.usable:
                return handed
            handed.abort()

    async def _wait(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        """In line for a connection, or None: a place to make one in."""
        waiter: asyncio.Future[Connection | None] = loop.create_future()
        self._waiters.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            # What was handed over in the same moment goes to the next in line.
            if waiter.done() and not waiter.cancelled():
                handed = waiter.result()
                if handed is None:
                    self._free_place()
                else:
                    self._release(handed, loop)
            raise

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> Connection:
        """Uses up a place, which comes back when the connection is lost or was never made."""
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                connection = await self._dial(loop)
        except BaseException as error:
            self._free_place()
            if isinstance(error, TimeoutError):
                raise Unreachable("no connection in time") from error
            if isinstance(error, OSError):
                raise Unreachable(f"no connection: {error.__class__.__name__}") from error
            raise
        self._open.add(connection)
        return connection

    async def _dial(self, loop: asyncio.AbstractEventLoop) -> Connection:
        if self._closed:
            raise Unreachable("the pool is closed")

        def factory() -> Connection:
            return Connection(loop, self._lost, self._response_limit_bytes, self._budget)

        if self.target.unix_path is not None:
            _, connection = await loop.create_unix_connection(factory, self.target.unix_path)
        else:
            _, connection = await loop.create_connection(factory, self.target.host, self.target.port, ssl=self._ssl)
        if not connection.usable:
            raise ConnectionResetError
        return connection

    def _release(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> None:
        if not connection.usable or self._closed:
            connection.abort()
            return
        waiter = self._next_waiter()
        if waiter is not None:
            waiter.set_result(connection)
            return
        connection.idle_since_s = loop.time()
        self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        if connection not in self._open:
            return  # lost while being made: `_connect` gives the place back
        self._open.remove(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._free_place()
        if not self._open:
            self._all_lost.set()

    def _free_place(self) -> None:
        waiter = self._next_waiter()
        if waiter is None:
            self._places += 1
        else:
            waiter.set_result(None)

    def _next_waiter(self) -> asyncio.Future[Connection | None] | None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                return waiter
        return None

    async def aclose(self) -> None:
        """Ends all connections: exchanges under way are `Truncated`, those in line `Unreachable`."""
        self._closed = True
        while (waiter := self._next_waiter()) is not None:
            waiter.set_result(None)
        for connection in tuple(self._open):
            connection.abort()
        while self._open:
            self._all_lost.clear()
            await self._all_lost.wait()
