"""One response, read from bytes: no I/O, so that tests can feed it anything.

A reader is for one response. What follows that response on the wire makes the connection unfit for another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import httptools

from sidecar.http1.errors import ExchangeFailed, Malformed, TooLarge, Truncated
from sidecar.http1.rules import response_fault
from sidecar.model.message import Response

if TYPE_CHECKING:
    from sidecar.model.message import Headers

HEAD_LIMIT_BYTES = 64 * 1024
"""Names and values of a response's fields together. Some servers reflect requests' fields: so above ours."""
HEADER_COUNT_LIMIT = 256
INTERIM_LIMIT = 16
"""1xx responses before the real one."""
QUIET_LIMIT_BYTES = 1024 * 1024
"""Bytes that advance nothing (an endless field, chunk extension or padding) before we give up."""

_FRAMING = frozenset({b"content-length", b"transfer-encoding"})


class ResponseReader:
    """Feed it what arrives until `complete`; then `response` is there and `reusable` says what to do next.

    `is_head`: the request was a HEAD, whose response has no body whatever its fields say (RFC 9112 6.3).
    A body that is taken away as it comes (`take`) needs no limit: then `limit_bytes` is None.
    """

    __slots__ = (
        "_body",
        "_failure",
        "_fields",
        "_head_bytes",
        "_headers",
        "_interims",
        "_is_head",
        "_limit_bytes",
        "_parser",
        "_quiet_bytes",
        "_status",
        "_until_close",
        "complete",
        "reusable",
    )

    def __init__(self, limit_bytes: int | None, *, is_head: bool = False) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._is_head = is_head
        self._limit_bytes = limit_bytes
        self._fields: list[tuple[bytes, bytes]] = []
        self._headers: Headers = ()
        self._body = bytearray()  # grows in place: a body is held once
        self._head_bytes = self._interims = self._status = 0
        self._quiet_bytes = 0  # since the parser last made progress
        self._until_close = False
        self._failure: ExchangeFailed | None = None
        self.complete = False
        self.reusable = False

    def feed(self, data: bytes) -> None:
        """Raises `Malformed` or `TooLarge`; not to be called once `complete`, nor after it raised."""
        self._quiet_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.reusable = False
            if self.complete:
                return
            raise self._failure or Malformed("the response breaks HTTP/1.1's grammar") from None
        if self._quiet_bytes > QUIET_LIMIT_BYTES and not self.complete:
            raise Malformed("the response has an endless field")

    def end(self) -> None:
        """The peer closed in order. A body without length is complete by that (RFC 9112 6.3, rule 8)."""
        if not self._until_close:
            raise Truncated("the connection ended before the response was complete")
        self.complete = True

    @property
    def response(self) -> Response:
        """The whole response, names in lower case, without trailers; before `complete` what there is of it."""
        return Response(self._status, self._headers, self._body)

    @property
    def has_head(self) -> bool:
        """Whether status and fields are known."""
        return self._status != 0

    @property
    def waiting_bytes(self) -> int:
        """How much of the body is here and not taken."""
        return len(self._body)

    def close(self) -> None:
        """Lets go of the body and of the parser, which hold each other: else both wait for the garbage collector."""
        self._body = bytearray()
        if hasattr(self, "_parser"):
            del self._parser

    def take(self) -> bytes:
        """What is here of the body, which is not kept."""
        part = bytes(self._body)
        self._body.clear()
        return part

    def _fail(self, failure: ExchangeFailed) -> NoReturn:
        """Stops the parser, which does not hand on what its callbacks raise."""
        self._failure = failure
        raise failure

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Also called for bytes after the response: they make the connection unfit."""
        self._quiet_bytes = 0
        self.reusable = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of the head; one after it is a trailer, which is dropped (RFC 9110 6.5.1 allows it)."""
        self._quiet_bytes = 0
        if self._status:
            return
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_LIMIT_BYTES or len(self._fields) >= HEADER_COUNT_LIMIT:
            self._fail(Malformed("the response's header section is over the limit"))
        self._fields.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Judges the head; skips interim responses."""
        self._quiet_bytes = 0
        if self._status:
            return
        status = self._parser.get_status_code()
        if 100 <= status < 200 and status != 101:
            self._skip_interim()
            return
        fault = response_fault(self._parser.get_http_version(), status, self._fields)
        if fault is not None:
            self._fail(Malformed(fault))
        self._status = status
        self._headers = tuple(self._fields)
        self._frame()

    def _skip_interim(self) -> None:
        self._fields.clear()
        self._interims += 1
        if self._interims > INTERIM_LIMIT:
            self._fail(Malformed("too many interim responses"))

    def _frame(self) -> None:
        names = {name: value for name, value in self._headers if name in _FRAMING}
        is_bodiless = self._status in (204, 304)
        if self._is_head:
            self._finish()
        elif b"content-length" in names:
            if self._is_over(int(names[b"content-length"])) and not is_bodiless:
                self._fail(TooLarge("the response's Content-Length is over the limit"))
        else:
            self._until_close = not names and not is_bodiless

    def on_body(self, data: bytes) -> None:
        """Part of the body, chunks already decoded."""
        self._quiet_bytes = 0
        if self.complete:
            self.reusable = False
            return
        if self._is_over(len(self._body) + len(data)):
            self._fail(TooLarge("the response's body is over the limit"))
        self._body += data

    def _is_over(self, size_bytes: int) -> bool:
        return self._limit_bytes is not None and size_bytes > self._limit_bytes

    def on_message_complete(self) -> None:
        """The end of the response, or of an interim one."""
        if self._status and not self.complete:
            self._finish()

    def _finish(self) -> None:
        self.complete = True
        self.reusable = self._parser.should_keep_alive()
