"""How a model server can fail: behaviours of `upstream.py`, each for one request, by name.

A server that says nothing more until the sidecar has had enough ends with `await_end`, so that no test has to wait
longer than the sidecar does.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.hostile.upstream import PREDICTION, Talk, response

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.hostile.upstream import Behaviour

OK = b"HTTP/1.1 200 OK\r\n"
JSON = b"Content-Type: application/json\r\n"
LENGTH = b"Content-Length: %d\r\n" % len(PREDICTION)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
WHOLE = response()
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Fault:
    """What the model server does, and the status, the reason and the OUTCOME's result that must come of it."""

    name: str
    behaviour: Behaviour
    status: int = 502
    code: str = "upstream_malformed"
    result: str = "failed"


def ends(
    name: str, data: bytes, end: Callable[[Talk], None], status: int = 502, code: str = "upstream_malformed"
) -> Fault:
    """The server answers with these bytes, and ends so."""

    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(data)
        end(talk)
        return False

    return Fault(name, behaviour, status, code, "failed" if status >= 400 else "released")


def says(name: str, data: bytes, status: int = 502, code: str = "upstream_malformed") -> Fault:
    """The server answers with these bytes, and closes in order."""
    return ends(name, data, lambda _: None, status, code)


def resets(name: str, data: bytes) -> Fault:
    """The server sends these bytes, and resets the connection."""
    return ends(name, data, Talk.reset)


def stalls(name: str, data: bytes) -> Fault:
    """The server sends these bytes, and then nothing."""
    return ends(name, data, Talk.await_end, 504, "upstream_timeout")


def floods(name: str, start: bytes, part: bytes, code: str = "upstream_malformed") -> Fault:
    """The server sends a part again and again until nobody takes it."""

    def behaviour(talk: Talk) -> bool:
        talk.request()
        talk.send(start)
        while True:  # ends with the ConnectionError of a sidecar that has had enough
            talk.send(part)

    return Fault(name, behaviour, code=code)


def coded(body: bytes, coding: bytes = b"gzip") -> bytes:
    return response(body, b"Content-Encoding: " + coding)


def _dies_in_the_head(talk: Talk) -> bool:
    """Before it has read the body."""
    talk.head()
    talk.reset()
    return False


DEATHS = [
    says("closes without a word", b""),
    says("closes in the status line", b"HTTP/1.1 2"),
    says("closes in the head", OK + b"Content-Le"),
    says("closes after the head", OK + JSON + LENGTH + b"\r\n"),
    says("closes in the body", WHOLE[:-7]),
    says("closes in a chunk", OK + JSON + CHUNKED + b"\r\nff\r\nabc"),
    says("closes between chunks", OK + JSON + CHUNKED + b"\r\n3\r\nabc\r\n"),
    says("closes before the last CRLF", OK + JSON + CHUNKED + b"\r\n0\r\n"),
    says("closes after an interim response", b"HTTP/1.1 100 Continue\r\n\r\n"),
    resets("resets without a word", b""),
    resets("resets in the head", OK + b"Content-Le"),
    resets("resets in the body", WHOLE[:-7]),
    resets("resets a body without length", OK + JSON + b"\r\n" + PREDICTION),
    Fault("resets before it has read the body", _dies_in_the_head),
]
STALLS = [
    stalls("says nothing", b""),
    stalls("stalls in the status line", b"HTTP/1.1 2"),
    stalls("stalls in the head", OK + b"Content-Le"),
    stalls("stalls in the body", WHOLE[:-7]),
    stalls("stalls in a chunk", OK + JSON + CHUNKED + b"\r\nff\r\nabc"),
    stalls("stalls without length", OK + JSON + b"\r\n" + PREDICTION),
    stalls("stalls after an interim response", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
]
GARBAGE = [
    says("TLS", bytes.fromhex("15030100020246")),
    says("zeros", b"\x00" * 100),
    says("HTTP/0.9", PREDICTION),
    says("HTTP/2", b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18),
    says("SMTP", b"220 mail ESMTP\r\n"),
    says("version 2.0", WHOLE.replace(b"HTTP/1.1", b"HTTP/2.0")),
    says("ICY", WHOLE.replace(b"HTTP/1.1", b"ICY")),
    says("status of two digits", WHOLE.replace(b"200", b"20")),
    says("status of four digits", WHOLE.replace(b"200", b"2000")),
    says("status 600", WHOLE.replace(b"200", b"600")),
    says("status 000", WHOLE.replace(b"200", b"000")),
    says("LF for CRLF", WHOLE.replace(b"\r\n", b"\n")),
    says("CL and TE", OK + JSON + CHUNKED + LENGTH + b"\r\n" + PREDICTION),
    says(
        "CL and TE that is right", OK + JSON + LENGTH + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (74, PREDICTION[:74])
    ),
    says("two CL, different", OK + JSON + LENGTH + b"Content-Length: 3\r\n\r\n" + PREDICTION),
    says("two CL, equal", OK + JSON + LENGTH + LENGTH + b"\r\n" + PREDICTION),
    says("CL listed", OK + JSON + b"Content-Length: 3, 3\r\n\r\nabc"),
    says("CL negative", OK + JSON + b"Content-Length: -3\r\n\r\nabc"),
    says("CL of 5,000 digits", OK + JSON + b"Content-Length: " + b"0" * 4_999 + b"3\r\n\r\nabc"),
    says("CL empty", OK + JSON + b"Content-Length: \r\n\r\n" + PREDICTION),
    says("TE gzip", OK + JSON + b"Transfer-Encoding: gzip\r\n\r\n" + gzip.compress(PREDICTION)),
    says("TE gzip, chunked", OK + JSON + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    says("TE twice", OK + JSON + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n"),
    says("TE identity", OK + JSON + b"Transfer-Encoding: identity\r\n\r\n" + PREDICTION),
    says("chunk size 0x1", OK + JSON + CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n"),
    says("chunk size negative", OK + JSON + CHUNKED + b"\r\n-1\r\na\r\n0\r\n\r\n"),
    says("chunk size beyond 64 bits", OK + JSON + CHUNKED + b"\r\n10000000000000001\r\na\r\n0\r\n\r\n"),
    says("field folded", OK + b"X: a\r\n b\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("NUL in a field", OK + b"X: a\x00b\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("CR in a field", OK + b"X: a\rSet-Cookie: x=y\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("LF in a field", OK + b"X: a\nSet-Cookie: x=y\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("space before colon", OK + b"Content-Length : 3\r\n\r\nabc"),
    says("field without colon", OK + b"X\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("101", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n"),
    *(
        says(f"{status}", b"HTTP/1.1 %d Moved\r\nLocation: http://other/\r\nContent-Length: 0\r\n\r\n" % status)
        for status in (300, 301, 302, 303, 304, 305, 307, 308, 399)
    ),
]
TOO_MUCH = [
    says("CL over the limit", OK + JSON + b"Content-Length: 9000000\r\n\r\n", code="response_too_large"),
    says("CL 2^63", OK + JSON + b"Content-Length: 9223372036854775808\r\n\r\n", code="response_too_large"),
    floods("an endless body", OK + JSON + b"\r\n", b" " * MIB, "response_too_large"),
    floods("endless chunks", OK + JSON + CHUNKED + b"\r\n", b"100000\r\n" + b" " * MIB + b"\r\n", "response_too_large"),
    floods("an endless field", OK + b"X: ", b"a" * 65_536),
    floods("an endless reason", b"HTTP/1.1 200 ", b"a" * 65_536),
    floods("endless fields", OK, b"X: y\r\n" * 1_000),
    floods("an endless chunk extension", OK + JSON + CHUNKED + b"\r\n1;", b"a" * 65_536),
    floods("endless interim responses", b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    floods("endless empty lines", b"", b"\r\n" * 1_000),
    says("a head of 70 KB", OK + b"X: " + b"a" * 70_000 + b"\r\n" + LENGTH + b"\r\n" + PREDICTION),
    says("300 fields", OK + b"X: y\r\n" * 300 + LENGTH + b"\r\n" + PREDICTION),
    says("17 interim responses", b"HTTP/1.1 102 Processing\r\n\r\n" * 17 + WHOLE),
]
UNREADABLE = [
    says(f"prediction {name}", response(body), code="prediction_unreadable")
    for name, body in {
        "NaN": PREDICTION.replace(b"0.5", b"NaN"),
        "1e999": PREDICTION.replace(b"0.5", b"1e999"),
        "no JSON": b"<html>",
        "cut": PREDICTION[:-1],
        "twice": PREDICTION + PREDICTION,
        "with a key twice": PREDICTION.replace(b'"data":[0.5]', b'"data":[0.5],"data":[0.9]'),
        "with an output twice": PREDICTION.replace(b'"name":"label"', b'"name":"score"'),
        "of two scores": PREDICTION.replace(b"[0.5]", b"[0.5,0.9]"),
        "out of range": PREDICTION.replace(b"0.5", b"7"),
        "text": PREDICTION.replace(b"0.5", b'"0.5"'),
        "empty": b"",
        "in UTF-16": PREDICTION.decode().encode("utf-16"),
        "with a byte order mark": b"\xef\xbb\xbf" + PREDICTION,
    }.items()
] + [
    says("gzip cut", coded(gzip.compress(PREDICTION)[:-9]), code="prediction_unreadable"),
    says("gzip in name", coded(PREDICTION), code="prediction_unreadable"),
    says("gzip bomb", coded(gzip.compress(b" " * 9 * MIB + PREDICTION)), code="prediction_unreadable"),
    says("gzip of two members", coded(gzip.compress(PREDICTION) * 2), code="prediction_unreadable"),
    says("an unknown coding", coded(PREDICTION, b"br"), code="prediction_unreadable"),
]
GOOD = [
    says("an interim response first", b"HTTP/1.1 103 Early Hints\r\nSet-Cookie: a=b\r\n\r\n" + WHOLE, 200),
    says("no length", OK + JSON + b"\r\n" + PREDICTION, 200),
    says("HTTP/1.0", b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n" + PREDICTION, 200),
    says(
        "trailers",
        OK + JSON + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\nSet-Cookie: a=b\r\n\r\n" % (len(PREDICTION), PREDICTION),
        200,
    ),
    says("Connection: close", response(PREDICTION, b"Connection: close"), 200),
    says("too much behind", WHOLE + b"x", 200),
    says("two answers", WHOLE + response(b'{"stolen":1}'), 200),
    says(
        "an answer behind a chunked one",
        OK + JSON + CHUNKED + b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(PREDICTION), PREDICTION) + WHOLE,
        200,
    ),
]
FAULTS = [*DEATHS, *STALLS, *GARBAGE, *TOO_MUCH, *UNREADABLE, *GOOD]
