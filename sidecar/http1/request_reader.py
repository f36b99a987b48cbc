"""Requests of one connection, read from bytes: no I/O, so that tests can feed them in any pieces."""

from __future__ import annotations

from typing import NamedTuple, NoReturn, Protocol

import httptools

from sidecar.http1.rules import (
    FIELD_LIMIT_BYTES,
    TARGET_LIMIT_BYTES,
    TARGET_TOO_LONG,
    Framing,
    judge_request,
    malformed,
    target_fault,
    too_large,
)
from sidecar.model.reasons import Reason

BROKEN = malformed("the request breaks HTTP/1.1's grammar")
_FIELD = too_large(f"a field is over {FIELD_LIMIT_BYTES} bytes")
_SECTION = too_large("the header or trailer section is over the limit")


class Head(NamedTuple):
    """One head. `framing` is None where it was refused: the rest is then what is known for sure, or empty."""

    method: bytes
    target: bytes
    version: str
    fields: list[tuple[bytes, bytes]]
    framing: Framing | None
    keep_alive: bool


class Sink(Protocol):
    """Who is told, in order: one head, any number of parts of its body, its end."""

    def head_read(self, head: Head) -> Reason | None:
        """A head that the rules accept; a reason refuses it all the same."""
        ...

    def body_read(self, part: bytes) -> None:
        """Part of the body, chunks decoded."""
        ...

    def request_read(self) -> None:
        """The request is whole."""
        ...


class Violation(Exception):
    """The connection's bytes are no acceptable request; nothing after them can be trusted."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.code)
        self.reason = reason


class RequestReader:
    """Feed it what arrives. Trailers are read and dropped, offers to upgrade are declined."""

    __slots__ = (
        "_count_limit",
        "_fields",
        "_framing",
        "_interrupted",
        "_parser",
        "_quiet_bytes",
        "_section_bytes",
        "_section_limit_bytes",
        "_sink",
        "_target",
        "_violation",
        "in_body",
        "in_head",
    )

    def __init__(self, sink: Sink, *, section_limit_bytes: int, count_limit: int) -> None:
        self._sink = sink
        self._section_limit_bytes = section_limit_bytes
        self._count_limit = count_limit
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._framing: Framing | None = None
        self._section_bytes = 0
        self._quiet_bytes = 0  # since the parser last made progress
        self._interrupted = False  # llhttp stopped between head and body, for an upgrade that we do not make
        self._violation: Violation | None = None
        self.in_head = False
        self.in_body = False

    def feed(self, data: bytes | memoryview) -> None:
        """Raises `Violation`, and for the same bytes however they are cut; not to be called after that."""
        while data:
            data = self._feed(data)

    def close(self) -> None:
        """At the connection's end: lets go of the parser and the sink, which point back. Nothing is fed any more."""
        del self._parser, self._sink

    def _feed(self, data: bytes | memoryview) -> bytes | memoryview:
        """Gives back what the parser left over, which it does at an offer to upgrade."""
        rest: bytes | memoryview = b""
        self._quiet_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            rest = data[upgrade.args[0] :]
            self._decline_upgrade()
        except httptools.HttpParserCallbackError:
            if self._violation is None:
                raise  # a defect of ours
            raise self._violation from None
        except httptools.HttpParserError:
            self._fields = []  # how many of them we were told depends on the cut
            raise Violation(BROKEN) from None
        if self._quiet_bytes > self._section_limit_bytes:
            raise Violation(_SECTION)  # an endless field, padding or chunk extension
        return rest

    def refused_head(self) -> Head:
        """What is known of a head that did not pass; for records and the form of the answer, nothing more."""
        named = bool(self._fields)  # then the request line is whole
        target = self._target if named and target_fault(self._target) is None else b""
        method = self._parser.get_method() if named else b""
        return Head(method, target, "1.1", self._fields, None, keep_alive=False)

    def _decline_upgrade(self) -> None:
        """RFC 9110 7.8: an offer to upgrade may be ignored. llhttp stops there, so a new parser goes on."""
        self._parser = httptools.HttpRequestParser(self)
        if self._interrupted and self._framing is not None:
            length_bytes = self._framing.length_bytes
            chunked = b"transfer-encoding: chunked"
            framing = chunked if length_bytes is None else b"content-length: %d" % length_bytes
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
            self._interrupted = False

    def _refuse(self, reason: Reason) -> NoReturn:
        """Stops the parser, which does not hand on what its callbacks raise."""
        self._violation = Violation(reason)
        raise self._violation

    # What the parser calls.

    def on_message_begin(self) -> None:
        """A head's first byte."""
        if self._interrupted:
            return
        self._target = b""
        self._fields = []
        self._section_bytes = self._quiet_bytes = 0
        self.in_head = True

    def on_url(self, part: bytes) -> None:
        """A part of the target."""
        if not self._interrupted:
            self._target += part
            if len(self._target) > TARGET_LIMIT_BYTES:
                self._refuse(TARGET_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field; after the head it is a trailer, which counts but goes nowhere (RFC 9110 6.5.1)."""
        if self._interrupted:
            return
        self._quiet_bytes = 0
        field_bytes = len(name) + len(value)
        self._section_bytes += field_bytes + 4
        if self.in_head:
            self._fields.append((name.lower(), value.rstrip(b" \t")))
        if field_bytes > FIELD_LIMIT_BYTES:
            self._refuse(_FIELD)
        if self._section_bytes > self._section_limit_bytes or len(self._fields) > self._count_limit:
            self._refuse(_SECTION)

    def on_headers_complete(self) -> None:
        """Judges the head."""
        if self._interrupted:
            return
        self._quiet_bytes = 0
        method, version = self._parser.get_method(), self._parser.get_http_version()
        judged = judge_request(method, self._target, version, self._fields)
        if isinstance(judged, Reason):
            self._refuse(judged)
        self._framing = judged
        self._interrupted = self._parser.should_upgrade() and judged.length_bytes != 0
        keep_alive = version == "1.1" and self._parser.should_keep_alive()
        refusal = self._sink.head_read(Head(method, self._target, version, self._fields, judged, keep_alive))
        if refusal is not None:
            self._refuse(refusal)
        self.in_head, self.in_body = False, True

    def on_body(self, part: bytes) -> None:
        """Part of the body."""
        self._quiet_bytes = 0
        self._sink.body_read(part)

    def on_message_complete(self) -> None:
        """The end of the request, unless llhttp only stopped for an upgrade."""
        if not self._interrupted:
            self.in_body = False
            self._sink.request_read()
