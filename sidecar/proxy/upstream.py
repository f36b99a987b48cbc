"""To the model server: the judged request, under its permit, with the fields that may pass; and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sidecar.http1.errors import ExchangeFailed, Malformed, Timeout, TooLarge, Truncated, Unreachable
from sidecar.http1.rules import end_to_end
from sidecar.model.message import Response
from sidecar.model.refusal import Refused, refused
from sidecar.protocols.coding import acceptable

if TYPE_CHECKING:
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
}


class Sender(Protocol):
    """What is needed of `http1.pool.Pool`."""

    async def send(self, method: bytes, target: bytes, headers: Headers, body: Body, *, timeout_s: float) -> Response:
        """One exchange; raises `ExchangeFailed`."""
        ...


class Upstream:
    """The model server. No permit, no forward; a permit is spent by its first use, whatever comes of that."""

    def __init__(self, pool: Sender, *, timeout_s: float = 30.0) -> None:
        self._pool = pool
        self._timeout_s = timeout_s

    async def send(
        self, permit: Permit, *, decision_id: str, request_id: str, revision: str, traceparent: bytes
    ) -> Response:
        """The model server's whole answer; raises `Refused` with an `upstream_*` reason.

        Method, path, query and body go out exactly as they were judged. The answer comes without fields of
        the connection, of the sidecar, or of its own length: whoever sends it on frames it anew.
        """
        request = permit.spend()
        headers = (
            *forwarded(request.headers),
            (b"x-decision-id", decision_id.encode("ascii")),
            (b"x-request-id", request_id.encode("ascii")),
            (b"x-policy-revision", revision.encode("ascii")),
            (b"traceparent", traceparent),
            (b"accept-encoding", acceptable(request.headers)),
        )
        try:
            answer = await self._pool.send(
                request.method.encode("ascii"),
                _target(request),
                headers,
                request.body,
                timeout_s=self._timeout_s,
            )
        except ExchangeFailed as failure:
            raise _refusal(failure) from failure
        if 300 <= answer.status < 400:
            raise refused("upstream_malformed", "the model server answered with a redirect")
        return Response(answer.status, _returned(answer.headers), answer.body)


def forwarded(headers: Headers) -> Headers:
    """The client's fields that go on to the model server."""
    return tuple([field for field in headers if not _is_stopped(field[0])])


def _is_stopped(name: bytes) -> bool:
    if name in _STOPPED or name.startswith(b"x-forwarded-"):
        return True
    if b"_" not in name:
        return False
    # Servers behind CGI's or WSGI's naming take X_Data_Version for X-Data-Version, which was not judged.
    alias = name.replace(b"_", b"-")
    return alias in _GOVERNED or _is_stopped(alias)


def _returned(headers: Headers) -> Headers:
    return tuple([field for field in end_to_end(headers) if field[0] not in _STOPPED_BACK])


def _target(request: Request) -> bytes:
    target = f"{request.path}?{request.query}" if request.query else request.path
    return target.encode("ascii")


def _refusal(failure: ExchangeFailed) -> Refused:
    return refused(_REASONS[type(failure)], f"the model server: {failure}")
