"""Offers to speak something else (RFC 9110 section 7.8): declined or refused, never tunnelled."""

from __future__ import annotations

from tests.hostile.case import BODY, PATH, Case, Fate, head, in_chunks, passed, refused, request, smuggled

H2C = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA")
KEY = (b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Version: 13")
GET = b"GET " + PATH + b" HTTP/1.1"


def websocket(name: str, *fields: bytes) -> Case:
    return refused(f"WebSocket {name}", head(*fields, *KEY, line=GET) + smuggled())


CASES = [
    websocket("plain", b"Connection: Upgrade", b"Upgrade: websocket"),
    websocket("in capitals", b"CONNECTION: UPGRADE", b"UPGRADE: WEBSOCKET"),
    websocket("among others", b"Connection: keep-alive, Upgrade", b"Upgrade: h2c, websocket"),
    websocket("with version", b"Connection: Upgrade", b"Upgrade: websocket/13"),
    websocket("without Connection", b"Upgrade: websocket"),
    websocket("with a body", b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: 3"),
    websocket("in a second field", b"Connection: Upgrade", b"Upgrade: h2c", b"Upgrade: websocket"),
    refused("WebSocket on POST", request(b"Connection: Upgrade", b"Upgrade: websocket", *KEY)),
    passed("h2c", request(*H2C)),
    passed("h2c, chunked", head(*H2C, b"Transfer-Encoding: chunked") + in_chunks()),
    passed("h2c in capitals", request(b"Connection: UPGRADE", b"Upgrade: H2C")),
    passed("h2c without Connection", request(b"Upgrade: h2c")),
    passed("TLS", request(b"Connection: Upgrade", b"Upgrade: TLS/1.2")),
    passed("Connection: Upgrade alone", request(b"Connection: Upgrade")),
    passed("something unknown", request(b"Connection: Upgrade", b"Upgrade: x/1, y/2")),
    Case(
        "h2c, then the preface",
        request(*H2C) + b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        ((200,), (400, 505)),
        Fate.CLOSED,
        reaches=1,
    ),
    Case(
        "h2c without body, then a request",
        head(*H2C, b"Content-Length: 0") + request(),
        ((400,), (200,)),
        Fate.KEPT,
        reaches=1,
    ),
    Case(
        "h2c with a length that is too short",
        head(*H2C, b"Content-Length: %d" % (len(BODY) - 1)) + BODY + smuggled(),
        ((400,), (400, 405)),
        Fate.CLOSED,
    ),
]
