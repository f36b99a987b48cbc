from __future__ import annotations

import pytest

from sidecar.http1.errors import ExchangeFailed, Malformed, TooLarge, Truncated
from sidecar.http1.response_reader import HEADER_COUNT_LIMIT, INTERIM_LIMIT, QUIET_LIMIT_BYTES, ResponseReader
from sidecar.model.message import Response

LINE = b"HTTP/1.1 200 OK\r\n"


def read(data: bytes, *, limit_bytes: int = 100, is_head: bool = False) -> ResponseReader:
    reader = ResponseReader(limit_bytes, is_head=is_head)
    reader.feed(data)
    return reader


ACCEPTED = {
    "length": (LINE + b"Content-Length: 2\r\nX-A: b \t\r\n\r\nok", 200, b"ok"),
    "length of zero": (LINE + b"Content-Length: 0\r\n\r\n", 200, b""),
    "chunks": (LINE + b"Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x\r\nk\r\n0\r\n\r\n", 200, b"ok"),
    "trailers": (LINE + b"Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: y\r\n\r\n", 200, b"ok"),
    "empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "no reason": (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "204": (b"HTTP/1.1 204 No\r\n\r\n", 204, b""),
    "304 with length": (b"HTTP/1.1 304 No\r\nContent-Length: 500\r\n\r\n", 304, b""),
    "after 100 and 103": (
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + LINE + b"Content-Length: 2\r\n\r\nok",
        200,
        b"ok",
    ),
    "obs-text": (LINE + b"X: \xe9\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted(name: str) -> None:
    data, status, body = ACCEPTED[name]
    reader = read(data)
    assert (reader.complete, reader.reusable) == (True, True)
    assert (reader.response.status, reader.response.body) == (status, body)


def test_fields_are_those_of_the_final_head() -> None:
    data = b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" + LINE
    data += b"X-Empty:\r\nX-One:  a \t\r\nx-one: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: y\r\n\r\n"
    fields = ((b"x-empty", b""), (b"x-one", b"a"), (b"x-one", b"b"), (b"transfer-encoding", b"chunked"))
    assert read(data).response == Response(200, fields, b"ok")


MALFORMED = {
    "length and coding": LINE + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two lengths": LINE + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "length negative": LINE + b"Content-Length: -2\r\n\r\nok",
    "coding gzip": LINE + b"Transfer-Encoding: gzip\r\n\r\nok",
    "coding gzip, chunked": LINE + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding twice": LINE + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size 0x2": LINE + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n",
    "obs-fold": LINE + b"X: a\r\n b\r\n\r\n",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "NUL": LINE + b"X: a\0\r\n\r\n",
    "switch of protocols": b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw",
    "101 without upgrade": b"HTTP/1.1 101 Go\r\n\r\nraw",
    "status 099": b"HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok",
    "status 600": b"HTTP/1.1 600 No\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n\r\n",
    "too many fields": LINE + b"X: y\r\n" * (HEADER_COUNT_LIMIT + 1) + b"\r\n",
    "head of 80 KB": LINE + b"X: " + b"a" * 80_000 + b"\r\nY: z\r\n",
    "interim without end": b"HTTP/1.1 102 Wait\r\n\r\n" * (INTERIM_LIMIT + 1),
}


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in MALFORMED.items()])
def test_malformed(data: bytes) -> None:
    with pytest.raises(Malformed):
        read(data)


@pytest.mark.parametrize("start", [LINE + b"X: ", LINE + b"Transfer-Encoding: chunked\r\n\r\n1;"])
def test_what_has_no_end_is_malformed(start: bytes) -> None:
    reader = read(start)
    reader.feed(b"a" * QUIET_LIMIT_BYTES)
    with pytest.raises(Malformed):
        reader.feed(b"a")


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 101\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n65\r\n" + b"x" * 101,
        b"\r\n" + b"x" * 101,
    ],
)
def test_too_large(rest: bytes) -> None:
    with pytest.raises(TooLarge):
        read(LINE + rest)


def test_a_body_of_the_limit_passes() -> None:
    assert read(LINE + b"Content-Length: 100\r\n\r\n" + b"x" * 100).response.body == b"x" * 100


def test_a_response_to_head_ends_with_its_head() -> None:
    reader = read(LINE + b"Content-Length: 5000\r\n\r\n", is_head=True)
    assert (reader.complete, reader.reusable, reader.response.body) == (True, True, b"")
    strayed = read(LINE + b"Content-Length: 2\r\n\r\nok", is_head=True)
    assert (strayed.complete, strayed.reusable, strayed.response.body) == (True, False, b"")


@pytest.mark.parametrize(
    "data",
    [
        LINE + b"Connection: close\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        LINE + b"Content-Length: 2\r\n\r\nok" + LINE,
        LINE + b"Content-Length: 2\r\n\r\nok!",
        LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n0\r\n\r\n",
    ],
)
def test_complete_but_not_for_reuse(data: bytes) -> None:
    reader = read(data)
    assert (reader.complete, reader.reusable, reader.response.body) == (True, False, b"ok")


def test_the_end_completes_only_what_has_no_length() -> None:
    reader = read(LINE + b"\r\nok")
    assert not reader.complete
    reader.end()
    assert (reader.complete, reader.reusable, reader.response.body) == (True, False, b"ok")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        LINE,
        b"HTTP/1.1 100 Continue\r\n\r\n",
        LINE + b"Content-Length: 3\r\n\r\nok",
        LINE + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
    ],
)
def test_the_end_truncates_everything_else(data: bytes) -> None:
    with pytest.raises(Truncated):
        read(data).end()


def test_every_failure_is_of_one_tree() -> None:
    assert all(issubclass(kind, ExchangeFailed) for kind in (Malformed, TooLarge, Truncated))
