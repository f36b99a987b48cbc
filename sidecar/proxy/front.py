"""The HTTP/1.1 front: ASGI messages in, transport-neutral messages to the exchange, its response out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from sidecar.http1.rules import ALLOW, end_to_end
from sidecar.model.message import Request
from sidecar.proxy.incoming import BODY_TOO_LARGE, BUSY, ENDED, EXTENSION, HttpLimits, Incoming

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from sidecar.model.message import Response
    from sidecar.model.reasons import Reason

    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

RETRY_AFTER_S = 1
_FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_CLOSE = (b"connection", b"close")


class Exchange(Protocol):
    """What this front needs of `proxy.exchange`. Both calls answer whatever happens, and raise nothing."""

    async def handle(self, request: Request) -> Response:
        """One whole, well-framed request. Cancelled when the client goes away."""
        ...

    async def refuse(
        self,
        request: Request,
        reasons: tuple[Reason, ...],
        *,
        retry_after_s: int | None = None,
        allow: tuple[str, ...] = (),
    ) -> Response:
        """A refusal for framing, size, slowness or load; of `request` only what is known (path may be "")."""
        ...


class Front:
    """A pure ASGI app for `StrictProtocol` alone: it needs what that knows of each request."""

    def __init__(self, exchange: Exchange, limits: HttpLimits) -> None:
        self._exchange = exchange
        self._limits = limits
        self._body_bytes = 0
        self._in_flight = 0

    @property
    def body_bytes(self) -> int:
        """Bytes of all bodies held now."""
        return self._body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        incoming: Incoming = scope["extensions"][EXTENSION]
        if incoming.framing is None:
            await self._refuse(scope, incoming, send)
        elif incoming.framing.length_bytes == 0:
            await self._handle(scope, incoming, send, b"")
        elif self._in_flight >= self._limits.max_in_flight:
            incoming.violation = BUSY
            await self._refuse(scope, incoming, send)
        else:
            self._in_flight += 1
            try:
                await self._with_body(scope, incoming, receive, send)
            finally:
                self._in_flight -= 1

    async def _with_body(self, scope: Scope, incoming: Incoming, receive: Receive, send: Send) -> None:
        parts: list[bytes] = []
        try:
            incoming.violation = await self._fetch(incoming, receive, parts)
            if incoming.violation is not None:
                await self._refuse(scope, incoming, send)
            else:
                await self._handle(scope, incoming, send, parts[0] if len(parts) == 1 else b"".join(parts))
        finally:
            self._body_bytes -= sum(map(len, parts))

    async def _fetch(self, incoming: Incoming, receive: Receive, parts: list[bytes]) -> Reason | None:
        """Reads the body into `parts`, or says why not. What is announced as too large is not read."""
        limits = self._limits
        size_bytes = 0
        if incoming.framing is not None and (incoming.framing.length_bytes or 0) > limits.body_limit_bytes:
            return BODY_TOO_LARGE
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return incoming.violation or ENDED
            part: bytes = message["body"]
            size_bytes += len(part)
            if size_bytes > limits.body_limit_bytes:
                return BODY_TOO_LARGE
            if self._body_bytes + len(part) > limits.body_budget_bytes:
                return BUSY
            self._body_bytes += len(part)
            parts.append(part)
            if not message["more_body"]:
                return None

    async def _handle(self, scope: Scope, incoming: Incoming, send: Send, body: bytes) -> None:
        incoming.may_abandon = True
        try:
            response = await self._exchange.handle(_request(scope, body))
        except asyncio.CancelledError:
            if incoming.lost:
                return  # the exchange has recorded it; there is nobody to answer
            raise
        finally:
            incoming.may_abandon = False
        await _answer(send, scope["method"], response, close=False)

    async def _refuse(self, scope: Scope, incoming: Incoming, send: Send) -> None:
        reason = incoming.violation
        if reason is None:
            raise RuntimeError("a refusal needs a reason")
        response = await self._exchange.refuse(
            _request(scope, b""),
            (reason,),
            retry_after_s=RETRY_AFTER_S if reason.code == "overloaded" else None,
            allow=ALLOW if reason.code == "method_not_allowed" else (),
        )
        await _answer(send, scope["method"], response, close=True)


def _request(scope: Scope, body: bytes) -> Request:
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
    headers = [field for field in response.headers if field[0] not in _FRAMING]
    if response.status != 204 and (response.body or method != "HEAD"):  # RFC 9110 8.6
        headers.append((b"content-length", b"%d" % len(response.body)))
    if close:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body})
