"""The HTTP/1.1 front: ASGI messages in, transport-neutral messages to the exchange, its response out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Protocol, cast

from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT

from sidecar.http1.rules import ALLOW, CONNECTION_FIELDS, end_to_end
from sidecar.model.budget import Budget
from sidecar.model.message import Request
from sidecar.proxy.client import StreamingClient
from sidecar.proxy.incoming import (
    BODY_TOO_LARGE,
    BUSY,
    ENDED,
    EXTENSION,
    FAILED,
    STOPPING,
    HttpLimits,
    Incoming,
)
from sidecar.proxy.problem import problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sidecar.model.message import Body, Response
    from sidecar.model.reasons import Reason
    from sidecar.proxy.client import Client

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

logger = logging.getLogger("sidecar.front")

NO_DECISION = "0" * 32
"""An id under which nothing is on record, as the all-zero ids of W3C Trace Context."""

_CLOSE = (b"connection", b"close")


class Exchange(Protocol):
    """What this front needs of `proxy.exchange`. Both calls answer whatever happens, and raise nothing."""

    async def handle(self, request: Request, client: Client | None) -> Response | None:
        """One whole, well-framed request. Cancelled when the client goes away, or with "shutting_down" at the end.

        None where the answer was passed to `client` as it came, and is complete. A response after such an answer
        had begun says why it broke off. Without a client every answer is a whole one.
        """
        ...

    async def refuse(
        self,
        request: Request,
        reasons: tuple[Reason, ...],
        *,
        allow: tuple[str, ...] = (),
    ) -> Response:
        """A refusal for framing, size, slowness or load; of `request` only what is known (path may be "")."""
        ...


class Front:
    """A pure ASGI app for `StrictProtocol` alone: it needs what that knows of each request."""

    def __init__(
        self, exchange: Exchange, limits: HttpLimits, budget: Budget | None = None, at_work: Budget | None = None
    ) -> None:
        """`budget`: shared with whoever else holds messages, `at_work` with whoever else takes requests; else own."""
        self._exchange = exchange
        self._limits = limits
        self._budget = budget or Budget(limits.body_budget_bytes)
        self._in_flight = at_work or Budget(limits.max_in_flight)
        self._stopped = False
        self._at_work: set[asyncio.Task[None]] = set()  # those that `stop` ends; never one that writes a refusal

    @property
    def body_bytes(self) -> int:
        """Bytes of all bodies held now."""
        return self._budget.held

    def stop(self) -> None:
        """Ends what is still at work, and refuses what yet comes: each client gets its `shutting_down`."""
        self._stopped = True
        for task in self._at_work:
            task.cancel(STOPPING.code)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Whatever happens, a client that is still there gets an answer."""
        incoming: Incoming = scope["extensions"][EXTENSION]
        method: str = scope["method"]
        task = cast("asyncio.Task[None]", asyncio.current_task())
        if scope["http_version"] == "1.1":  # RFC 9112 6.1: older clients know no chunks
            incoming.client = StreamingClient(send)
        try:
            response = await self._respond(scope, incoming, receive, task)
            await self._finish(send, method, incoming, response)
        except asyncio.CancelledError:
            if not incoming.lost:  # else the exchange has recorded it, and there is nobody to answer
                await _last_word(send, method, incoming, STOPPING)
        except Exception:
            logger.exception("a defect of the sidecar: no exchange answered")
            await _last_word(send, method, incoming, FAILED)
        finally:
            incoming.let_go()

    async def _finish(self, send: Send, method: str, incoming: Incoming, response: Response | None) -> None:
        client = incoming.client
        if client is None or not client.begun:
            close = self._stopped or incoming.violation is not None
            await self._send(send, method, cast("Response", response), close=close)
        elif response is None:
            await client.end()
        else:
            incoming.cut()

    async def _send(self, send: Send, method: str, response: Response, *, close: bool) -> None:
        """An answer counts until the client has taken most of it."""
        size_bytes = len(response.body)
        self._budget.hold(size_bytes)
        try:
            await _answer(send, method, response, close=close)
        finally:
            self._budget.release(size_bytes)

    async def _respond(
        self, scope: Scope, incoming: Incoming, receive: Receive, task: asyncio.Task[None]
    ) -> Response | None:
        if incoming.framing is None:
            return await self._refuse(scope, incoming, incoming.violation)
        if self._stopped:
            return await self._refuse(scope, incoming, STOPPING)
        if incoming.framing.length_bytes == 0:
            return await self._handle(scope, incoming, b"", task)
        if not self._in_flight.fits(1):
            return await self._refuse(scope, incoming, BUSY)
        self._in_flight.hold(1)
        try:
            return await self._with_body(scope, incoming, receive, task)
        finally:
            self._in_flight.release(1)

    async def _with_body(
        self, scope: Scope, incoming: Incoming, receive: Receive, task: asyncio.Task[None]
    ) -> Response | None:
        body = bytearray()  # grows in place: a body is held once
        try:
            violation = await self._read(incoming, receive, body, task)
            if violation is not None:
                self._budget.release(len(body))  # before the refusal is on record: others may fit meanwhile
                body.clear()
                return await self._refuse(scope, incoming, violation)
            return await self._handle(scope, incoming, body, task)
        finally:
            self._budget.release(len(body))

    async def _read(
        self, incoming: Incoming, receive: Receive, body: bytearray, task: asyncio.Task[None]
    ) -> Reason | None:
        """As `_fetch`, until `stop`."""
        self._at_work.add(task)
        try:
            return await self._fetch(incoming, receive, body)
        except asyncio.CancelledError:
            task.uncancel()  # what follows is the refusal's own work
            return incoming.violation or STOPPING
        finally:
            self._at_work.discard(task)

    async def _fetch(self, incoming: Incoming, receive: Receive, body: bytearray) -> Reason | None:
        """Reads into `body`, or says why not. What is announced as too large is not read."""
        limits = self._limits
        if incoming.framing is not None and (incoming.framing.length_bytes or 0) > limits.body_limit_bytes:
            return BODY_TOO_LARGE
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return incoming.violation or ENDED
            part: bytes = message["body"]
            if len(body) + len(part) > limits.body_limit_bytes:
                return BODY_TOO_LARGE
            if not self._budget.fits(len(part)):
                return BUSY
            self._budget.hold(len(part))
            body += part
            if not message["more_body"]:
                return None

    async def _handle(self, scope: Scope, incoming: Incoming, body: Body, task: asyncio.Task[None]) -> Response | None:
        incoming.may_abandon = True
        self._at_work.add(task)
        try:
            return await self._exchange.handle(_request(scope, body), incoming.client)
        finally:
            self._at_work.discard(task)
            incoming.may_abandon = False

    async def _refuse(self, scope: Scope, incoming: Incoming, reason: Reason | None) -> Response:
        if reason is None:
            raise RuntimeError("a refusal needs a reason")
        incoming.violation = reason
        return await self._exchange.refuse(
            _request(scope, b""),
            (reason,),
            allow=ALLOW if reason.code == "method_not_allowed" else (),
        )


def _request(scope: Scope, body: Body) -> Request:
    client: tuple[str, int] | None = scope["client"]
    return Request(
        method=scope["method"],
        path=scope["path"],
        headers=end_to_end(scope["headers"]),
        body=body,
        query=scope["query_string"].decode("ascii"),
        source_address=None if client is None else client[0],
    )


async def _answer(send: Send, method: str, response: Response, *, close: bool) -> None:
    """Frames anew: the length is that of the bytes in hand, whatever the response's own fields say."""
    headers = [field for field in response.headers if field[0] not in CONNECTION_FIELDS]
    if response.status != 204 and (response.body or method != "HEAD"):  # RFC 9110 8.6
        headers.append((b"content-length", b"%d" % len(response.body)))
    if close:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if len(response.body) > HIGH_WATER_LIMIT:  # the server waits before it takes a part, not after
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.body", "body": response.body})


async def _last_word(send: Send, method: str, incoming: Incoming, reason: Reason) -> None:
    """An answer where the exchange gave none, so that its record is not known here."""
    if incoming.client is not None and incoming.client.begun:
        incoming.cut()
        return
    response = problem((reason,), NO_DECISION)
    with contextlib.suppress(RuntimeError):  # an answer had begun: the server closes the connection
        await _answer(send, method, response, close=True)
