"""To the model server: the judged request, under its permit, with the fields that may pass; and back."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from sidecar.http1.errors import Crowded, ExchangeFailed, Malformed, Timeout, TooLarge, Truncated, Unreachable
from sidecar.http1.rules import HOP_BY_HOP, end_to_end
from sidecar.model.budget import Budget
from sidecar.model.message import Response
from sidecar.model.refusal import Refused, refused
from sidecar.protocols.coding import acceptable

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from sidecar.http1.pool import Streamed
    from sidecar.model.message import Body, Headers, Request
    from sidecar.policy.permit import Permit

OURS = frozenset({b"x-decision-id", b"x-decision-fallback", b"x-policy-revision", b"x-request-id"})
"""Only the sidecar says these, in either direction (contract 6)."""

_STOPPED = OURS | {
    b"traceparent",  # replaced: our span is the parent
    b"host",  # rewritten, with the length, by the pool
    b"content-length",
    b"x-consent-token",  # contract 2: never forwarded
    b"x-protected-group",  # contract 2: the header is not forwarded
    b"accept-encoding",  # reduced: a response must be readable to be judged
    b"range",  # and whole, and new
    b"if-match",
    b"if-modified-since",
    b"if-none-match",
    b"if-range",
    b"if-unmodified-since",
    b"forwarded",  # with x-forwarded-*: nobody vouches for what a client says of itself
    b"x-real-ip",
    b"x-http-method",  # these ask for another method or path than the one that was judged
    b"x-http-method-override",
    b"x-method-override",
    b"x-original-method",
    b"x-original-url",
    b"x-rewrite-url",
    b"x-vertex-ai-triton-redirect",  # Triton: to any endpoint, load and unload included
}
_GOVERNED = frozenset({b"x-data-version", b"x-consent-scope", b"x-explanation"})
_STOPPED_BACK = OURS | {b"content-length", b"x-consent-token", b"alt-svc"}
"""`Alt-Svc` would show clients the way around the sidecar."""

_REASONS: dict[type[ExchangeFailed], str] = {
    Unreachable: "upstream_unreachable",
    Timeout: "upstream_timeout",
    Truncated: "upstream_malformed",
    Malformed: "upstream_malformed",
    TooLarge: "response_too_large",
    Crowded: "overloaded",
}


class Sender(Protocol):
    """What is needed of `http1.pool.Pool`."""

    async def send(self, method: bytes, target: bytes, headers: Headers, body: Body, *, timeout_s: float) -> Response:
        """One exchange; raises `ExchangeFailed`."""
        ...

    def stream(
        self, method: bytes, target: bytes, headers: Headers, body: Body, *, timeout_s: float
    ) -> AbstractAsyncContextManager[Streamed]:
        """One exchange whose response comes in parts; raises `ExchangeFailed`."""
        ...


class Mark(NamedTuple):
    """What the model server is told of an exchange, beside the request."""

    decision_id: str
    request_id: str
    revision: str
    traceparent: bytes


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer that is still on its way: `head` has no body, each `part` some of it, the last one nothing."""

    head: Response
    part: Callable[[], Awaitable[bytes]]
    limit_bytes: int
    budget: Budget

    async def whole(self) -> Response:
        """All of it, after which it no longer counts; raises `Refused` response_too_large, overloaded."""
        body = bytearray()
        try:
            while part := await self.part():
                if len(body) + len(part) > self.limit_bytes:
                    raise refused("response_too_large", "the model server: the response's body is over the limit")
                if not self.budget.fits(len(part)):
                    raise refused("overloaded", "the model server: no room for the response")
                self.budget.hold(len(part))
                body += part
        finally:
            self.budget.release(len(body))
        return Response(self.head.status, self.head.headers, body)


class Upstream:
    """The model server. No permit, no forward; a permit is spent by its first use, whatever comes of that."""

    def __init__(
        self,
        pool: Sender,
        *,
        timeout_s: float = 30.0,
        stream_timeout_s: float = 600.0,
        limit_bytes: int = 8 * 1024 * 1024,
        budget: Budget | None = None,
    ) -> None:
        """`timeout_s` is for a whole answer, and for each part of a streamed one; `stream_timeout_s` for all of it.

        `limit_bytes` and `budget` bound what comes in parts and is wanted whole; for the rest the pool has its own.
        """
        self._pool = pool
        self._limit_bytes = limit_bytes
        self._budget = budget or Budget(limit_bytes)
        self._timeout_s = timeout_s
        self._stream_timeout_s = stream_timeout_s

    async def send(self, permit: Permit, mark: Mark, *, whole_stream: bool = False) -> Response:
        """The model server's whole answer; raises `Refused` with an `upstream_*` reason.

        `whole_stream`: it is a stream, which takes as long as streams may.

        Method, path, query and body go out exactly as they were judged. The answer comes without fields of
        the connection, of the sidecar, or of its own length: whoever sends it on frames it anew.
        """
        request = permit.spend()
        timeout_s = self._stream_timeout_s if whole_stream else self._timeout_s
        try:
            answer = await self._pool.send(*_written(request, mark), timeout_s=timeout_s)
        except ExchangeFailed as failure:
            raise _refusal(failure) from failure
        return _returned(answer)

    async def explain(self, permit: Permit, mark: Mark) -> Response:
        """As `send`, for the explain call that the permit names, within the time that it gives."""
        request, call = permit.spend_explain()
        try:
            answer = await self._pool.send(*_written(request, mark), timeout_s=call.timeout_ms / 1_000)
        except ExchangeFailed as failure:
            raise _refusal(failure) from failure
        return _returned(answer)

    @contextlib.asynccontextmanager
    async def stream(self, permit: Permit, mark: Mark) -> AsyncGenerator[Answering]:
        """As `send`, but the answer's body comes as the model server sends it, for at most the stream's time."""
        request = permit.spend()
        try:
            async with (
                asyncio.timeout(self._stream_timeout_s),
                self._pool.stream(*_written(request, mark), timeout_s=self._timeout_s) as streamed,
            ):
                yield Answering(_returned(streamed.head), streamed.part, self._limit_bytes, self._budget)
        except ExchangeFailed as failure:
            raise _refusal(failure) from failure
        except TimeoutError:
            raise refused("upstream_timeout", "the model server's stream took longer than it may") from None


def forwarded(headers: Headers) -> Headers:
    """The client's fields that go on to the model server."""
    return tuple([field for field in headers if not _is_stopped(field[0])])


@lru_cache(maxsize=256)  # clients send the same few names all the time
def _is_stopped(name: bytes) -> bool:
    if name in _STOPPED or name.startswith(b"x-forwarded-"):
        return True
    if b"_" not in name:
        return False
    # Servers behind CGI's or WSGI's naming take X_Data_Version for X-Data-Version, which was not judged.
    alias = name.replace(b"_", b"-")
    return alias in _GOVERNED or alias in HOP_BY_HOP or _is_stopped(alias)


def _written(request: Request, mark: Mark) -> tuple[bytes, bytes, Headers, Body]:
    """Method, target, fields and body as they go out."""
    headers = (
        *forwarded(request.headers),
        (b"x-decision-id", mark.decision_id.encode("ascii")),
        (b"x-request-id", mark.request_id.encode("ascii")),
        (b"x-policy-revision", mark.revision.encode("ascii")),
        (b"traceparent", mark.traceparent),
        (b"accept-encoding", acceptable(request.headers)),
    )
    return request.method.encode("ascii"), _target(request), headers, request.body


def _returned(answer: Response) -> Response:
    if 300 <= answer.status < 400:
        raise refused("upstream_malformed", "the model server answered with a redirect")
    headers = tuple([field for field in end_to_end(answer.headers) if field[0] not in _STOPPED_BACK])
    return Response(answer.status, headers, answer.body)


def _target(request: Request) -> bytes:
    target = f"{request.path}?{request.query}" if request.query else request.path
    return target.encode("ascii")


def _refusal(failure: ExchangeFailed) -> Refused:
    return refused(_REASONS[type(failure)], f"the model server: {failure}")
