"""The corpus of hostile requests on the wire: what is refused, as what, and that nothing of it is a request."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest
import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from sidecar.model.message import Response
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from tests.unit.proxy.wire import RecordingExchange, configured, run, serving, statuses, until

if TYPE_CHECKING:
    from pathlib import Path

HOST = b"Host: a\r\n"
POST = b"POST /v2/models/m/infer HTTP/1.1\r\n" + HOST
GET = b"GET /ping HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LAST = b"Connection: close\r\n\r\n"
OK = b"GET /ok HTTP/1.1\r\nHost: a\r\n" + LAST

MALFORMED = {
    # Framing
    "length and coding": POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths, different": POST + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "two lengths, equal": POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "list of lengths": POST + b"Content-Length: 3, 3\r\n\r\nabc",
    "length with plus": POST + b"Content-Length: +3\r\n\r\nabc",
    "length with minus": POST + b"Content-Length: -3\r\n\r\nabc",
    "length empty": POST + b"Content-Length: \r\n\r\nabc",
    "length hexadecimal": POST + b"Content-Length: 0x3\r\n\r\nabc",
    "length with underscore": POST + b"Content-Length: 1_0\r\n\r\nabcdefghij",
    "length beyond 64 bits": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "coding xchunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "coding gzip, chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "coding chunked, identity": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "coding identity": POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
    "coding twice": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding quoted": POST + b'Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n',
    "coding after vertical tab": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "coding in HTTP/1.0": b"POST /a HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunk size 0x1": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "chunk size +1": CHUNKED + b"+1\r\na\r\n0\r\n\r\n",
    "chunk size empty": CHUNKED + b"\r\na\r\n0\r\n\r\n",
    "chunk size beyond 64 bits": CHUNKED + b"10000000000000001\r\na\r\n0\r\n\r\n",
    "chunk size with space": CHUNKED + b"1 \r\na\r\n0\r\n\r\n",
    "chunk line with bare LF": CHUNKED + b"1\na\r\n0\r\n\r\n",
    "chunk extension with bare LF": CHUNKED + b"1;x\na\r\n0\r\n\r\n",
    "chunk longer than its size": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "trailer with bare LF": CHUNKED + b"0\r\nX: y\n\r\n",
    "expectation unknown": POST + b"Expect: 200-ok\r\nContent-Length: 1\r\n\r\na",
    "expectation twice": POST + b"Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na",
    # Line and fields
    "bare LF": b"GET /a HTTP/1.1\nHost: a\n\n",
    "bare LF after a field": b"GET /a HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
    "bare CR in a value": GET + b"X: a\rb\r\n\r\n",
    "HTTP/0.9": b"GET /a\r\n" + HOST + b"\r\n",
    "HTTP/2.0": b"GET /a HTTP/2.0\r\n" + HOST + b"\r\n",
    "HTTP/1.2": b"GET /a HTTP/1.2\r\n" + HOST + b"\r\n",
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version in lower case": b"GET /a http/1.1\r\n" + HOST + b"\r\n",
    "obs-fold": GET + b"X: a\r\n b\r\n\r\n",
    "obs-fold of a length": POST + b"Content-Length:\r\n 3\r\n\r\nabc",
    "first field folded": b"GET /a HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
    "space before colon": POST + b"Content-Length : 3\r\n\r\nabc",
    "no colon": GET + b"X\r\n\r\n",
    "empty name": GET + b": x\r\n\r\n",
    "name with NUL": GET + b"X\x00: y\r\n\r\n",
    "name beyond ASCII": GET + b"X\xe9: y\r\n\r\n",
    "name in parentheses": GET + b"X(y): z\r\n\r\n",
    "NUL in a value": GET + b"X: a\x00b\r\n\r\n",
    "control in a value": GET + b"X: a\x01b\r\n\r\n",
    "DEL in a value": GET + b"X: a\x7fb\r\n\r\n",
    "0xFF in a value": GET + b"X: a\xffb\r\n\r\n",
    "two Hosts": GET + HOST + b"\r\n",
    "two Hosts, different": GET + b"HOST: b\r\n\r\n",
    "no Host": b"GET /a HTTP/1.1\r\nX: y\r\n\r\n",
    "no field at all": b"GET /a HTTP/1.1\r\n\r\n",
    "empty Host": b"GET /a HTTP/1.1\r\nHost: \r\n\r\n",
    "Host with path": b"GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n",
    "Host with user": b"GET /a HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "Host with space": b"GET /a HTTP/1.1\r\nHost: a b\r\n\r\n",
    "no Host in HTTP/1.0": b"GET /a HTTP/1.0\r\nX: y\r\n\r\n",
    "two Content-Types": POST + b"Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 1\r\n\r\na",
    "absolute-form": b"GET http://b/a HTTP/1.1\r\n" + HOST + b"\r\n",
    "asterisk-form": b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n",
    "authority-form": b"GET b:80 HTTP/1.1\r\n" + HOST + b"\r\n",
    "empty target": b"GET  HTTP/1.1\r\n" + HOST + b"\r\n",
    "fragment": b"GET /a#b HTTP/1.1\r\n" + HOST + b"\r\n",
    "target beyond ASCII": b"GET /\xc0\xae HTTP/1.1\r\n" + HOST + b"\r\n",
    "target with control": b"GET /a\x01 HTTP/1.1\r\n" + HOST + b"\r\n",
    "target with space": b"GET /a b HTTP/1.1\r\n" + HOST + b"\r\n",
    "method unknown": b"BREW /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "method in lower case": b"get /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "a TLS greeting": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "WebSocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n",
    "WebSocket among others": GET + b"Connection: Upgrade\r\nUpgrade: h2c, WebSocket\r\n\r\n",
    "WebSocket without Connection": GET + b"Upgrade: websocket\r\n\r\n",
}
METHODS = {
    "CONNECT": b"CONNECT b:443 HTTP/1.1\r\n" + HOST + b"\r\n",
    "TRACE": b"TRACE /predictions/m HTTP/1.1\r\n" + HOST + b"\r\n",
    "PROPFIND": b"PROPFIND /a HTTP/1.1\r\n" + HOST + b"\r\n",
    "SOURCE": b"SOURCE /a ICE/1.1\r\n" + HOST + b"\r\n",
}
TOO_LARGE = {
    "one field of 70 KB": GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n",
    "one field of 9 KB": GET + b"X: " + b"a" * 9_000 + b"\r\n\r\n",
    "5,000 fields": GET + b"".join(b"X%d: y\r\n" % i for i in range(5_000)) + b"\r\n",
    "101 fields": GET + b"".join(b"X%d: y\r\n" % i for i in range(100)) + b"\r\n",
    "17 KB in all": GET + b"".join(b"X%d: %b\r\n" % (i, b"a" * 1_000) for i in range(17)) + b"\r\n",
    "endless name": GET + b"X" * 100_000,
    "endless padding": GET + b"X: " + b" " * 100_000,
    "target of 9 KB": b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "endless target": b"GET /" + b"a" * 100_000,
    "one trailer of 70 KB": CHUNKED + b"1\r\na\r\n0\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
    "200 trailers of 200 bytes": CHUNKED + b"0\r\n" + (b"X: " + b"a" * 200 + b"\r\n") * 200 + b"\r\n",
    "endless chunk extension": CHUNKED + b"1;" + b"a" * 100_000,
}
CASES = [
    *((name, sent, 400, "http_malformed") for name, sent in MALFORMED.items()),
    *((name, sent, 405, "method_not_allowed") for name, sent in METHODS.items()),
    *((name, sent, 431, "headers_too_large") for name, sent in TOO_LARGE.items()),
]


@pytest.mark.parametrize(("sent", "status", "code"), [pytest.param(*c[1:], id=c[0]) for c in CASES])
def test_refused_and_closed(sent: bytes, status: int, code: str) -> None:
    async def test() -> None:
        async with serving() as wire:
            answer = await wire.say(sent)
            assert statuses(answer) == [status]
            assert b"\r\nconnection: close\r\n" in answer
            assert wire.exchange.codes == [code]
            assert wire.exchange.handled == []

    run(test())


@pytest.mark.parametrize("name", ["length and coding", "two Hosts", "bare LF", "WebSocket", "method unknown"])
def test_nothing_after_a_violation_is_a_request(name: str) -> None:
    async def test() -> None:
        async with serving() as wire:
            assert statuses(await wire.say(MALFORMED[name] + OK)) == [400]
            assert wire.exchange.handled == []

    run(test())


@pytest.mark.parametrize("name", ["two Hosts", "bare LF", "no field at all", "target with space"])
def test_a_violation_waits_for_its_turn(name: str) -> None:
    async def test() -> None:
        async with serving() as wire:
            first = b"POST /first HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
            assert statuses(await wire.say(first + MALFORMED[name])) == [200, 400]
            assert [r.path for r in wire.exchange.handled] == ["/first"]

    run(test())


def test_what_is_known_of_a_refused_request() -> None:
    async def test() -> None:
        async with serving() as wire:
            await wire.say(GET + b"X-Request-Id: r-1\r\nX: \xff\r\n\r\n")
            await wire.say(b"\x16\x03\x01")
            known, unknown = (request for request, _ in wire.exchange.refused)
            assert (known.method, known.path, known.header_values(b"x-request-id")) == (
                "GET",
                "/ping",
                [b"r-1"],
            )
            assert (unknown.method, unknown.path, unknown.headers) == ("", "", ())

    run(test())


@pytest.mark.parametrize(
    "sent",
    [
        POST + b"Content-Length: 10\r\n\r\nabc",
        CHUNKED + b"5\r\nabc",
        POST + b"Content-Le",
        CHUNKED + b"1\r\na\r\n0\r\n",
    ],
)
def test_a_request_cut_short_is_refused_never_handled(sent: bytes) -> None:
    async def test() -> None:
        async with serving() as wire:
            assert statuses(await wire.say(sent, end=True)) == [400]
            assert (wire.exchange.codes, wire.exchange.handled) == (["http_malformed"], [])

    run(test())


def test_a_reset_in_the_middle_of_a_body_leaves_its_record() -> None:
    async def test() -> None:
        async with serving() as wire:
            _, writer = await wire.connect()
            writer.write(POST + b"Expect: 100-continue\r\nContent-Length: 10\r\n\r\nabc")
            await writer.drain()
            await until(lambda: wire.state.tasks)
            writer.transport.abort()
            await wire.exchange.left.wait()
            assert (wire.exchange.codes, wire.exchange.handled) == (["http_malformed"], [])

    run(test())


# Accepted, and how.


def test_a_body_arrives_whole_however_it_is_framed() -> None:
    async def test() -> None:
        async with serving() as wire:
            await wire.say(POST + b"Content-Length: 5\r\n" + LAST + b"hello")
            await wire.say(POST + b"Transfer-Encoding: CHUNKED\r\n" + LAST + b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")
            await wire.say(b"POST /v2/models/m/infer HTTP/1.0\r\n" + HOST + b"Content-Length: 5\r\n\r\nhello")
            assert [(r.method, r.path, r.body) for r in wire.exchange.handled] == [
                ("POST", "/v2/models/m/infer", b"hello")
            ] * 3

    run(test())


def test_the_request_is_what_was_sent() -> None:
    async def test() -> None:
        async with serving() as wire:
            await wire.say(
                b"GET /v1%2Fm/../x;y=1//?a=%20b?c HTTP/1.1\r\nHost: a:80\r\nX-Empty:\r\nX-Two:  1 \t\r\n"
                b"x-two: 2\r\nConnection: X-Hop, close\r\nX-Hop: y\r\nTE: trailers\r\n\r\n"
            )
            [request] = wire.exchange.handled
            assert (request.path, request.query) == ("/v1%2Fm/../x;y=1//", "a=%20b?c")
            assert request.source_address == "127.0.0.1"
            assert request.headers == (
                (b"host", b"a:80"),
                (b"x-empty", b""),
                (b"x-two", b"1"),
                (b"x-two", b"2"),
            )

    run(test())


def test_what_is_forgiven_in_a_request_line_is_not_passed_on() -> None:
    async def test() -> None:
        async with serving() as wire:
            assert statuses(await wire.say(b"\r\n\r\nGET  /a?b  HTTP/1.1\r\n" + HOST + LAST)) == [200]
            assert [(r.method, r.path, r.query) for r in wire.exchange.handled] == [("GET", "/a", "b")]

    run(test())


def test_trailers_go_nowhere() -> None:
    async def test() -> None:
        async with serving() as wire:
            await wire.say(
                POST + b"Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n\r\n"
                b"2\r\nhi\r\n0\r\nAuthorization: Bearer x\r\nX-Data-Version: forged\r\n\r\n" + OK
            )
            first, second = wire.exchange.handled
            assert (first.body, first.headers) == (b"hi", ((b"host", b"a"),))
            assert second.headers == ((b"host", b"a"),)

    run(test())


def test_pipelined_requests_are_answered_in_order() -> None:
    async def test() -> None:
        async with serving() as wire:
            many = b"".join(
                b"POST /%d HTTP/1.1\r\nHost: a\r\nContent-Length: 700\r\n\r\n" % i + b"x" * 700 for i in range(100)
            )
            answer = await wire.say(many + OK)
            assert statuses(answer) == [200] * 101
            paths = [f"/{i}" for i in range(100)] + ["/ok"]
            assert [r.path for r in wire.exchange.handled] == paths
            assert [part.split(b"\r\n\r\n")[1].decode() for part in answer.split(b"HTTP/1.1 200")[1:]] == paths

    run(test())


def test_one_request_at_a_time_of_each_connection() -> None:
    async def test() -> None:
        async with serving(RecordingExchange(gate=asyncio.Event())) as wire:
            exchange = wire.exchange
            answer = asyncio.create_task(wire.say(GET + b"\r\n" + OK))
            await exchange.entered.wait()
            assert [r.path for r in exchange.handled] == ["/ping"]
            assert exchange.gate is not None
            exchange.gate.set()
            assert statuses(await answer) == [200, 200]

    run(test())


@pytest.mark.parametrize(
    "framing",
    [b"Content-Length: 5\r\n\r\nhello", b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"],
)
def test_an_offer_to_upgrade_is_declined(framing: bytes) -> None:
    async def test() -> None:
        async with serving() as wire:
            offer = (
                b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n"
            )
            answer = await wire.say(POST + offer + framing + GET + offer + b"\r\n" + OK)
            assert statuses(answer) == [200, 200, 200]
            assert [(r.path, r.body, r.headers) for r in wire.exchange.handled] == [
                ("/v2/models/m/infer", b"hello", tuple(h for h in r_headers(framing))),
                ("/ping", b"", ((b"host", b"a"),)),
                ("/ok", b"", ((b"host", b"a"),)),
            ]

    def r_headers(framing: bytes) -> list[tuple[bytes, bytes]]:
        length = [(b"content-length", b"5")] if framing.startswith(b"Content-Length") else []
        return [(b"host", b"a"), *length]

    run(test())


def test_expectation_is_met_only_where_the_body_is_wanted() -> None:
    async def test() -> None:
        async with serving(body_limit_bytes=10) as wire:
            expecting = POST + b"Expect: 100-continue\r\nConnection: close\r\n"
            assert statuses(await wire.say(expecting + b"Content-Length: 11\r\n\r\n")) == [413]
            reader, writer = await wire.connect()
            writer.write(expecting + b"Content-Length: 2\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hi")
            assert statuses(await reader.read()) == [200]
            writer.close()
            assert [r.body for r in wire.exchange.handled] == [b"hi"]
            assert wire.exchange.handled[0].header_values(b"expect") == []

    run(test())


def test_after_a_last_request_nothing_is_read() -> None:
    async def test() -> None:
        async with serving() as wire:
            assert statuses(await wire.say(OK + GET + b"\r\n")) == [200]
            assert statuses(await wire.say(b"GET /a HTTP/1.0\r\nHost: a\r\n\r\n" + GET + b"\r\n")) == [200]
            assert [r.path for r in wire.exchange.handled] == ["/ok", "/a"]

    run(test())


# Time and load.


@pytest.mark.parametrize("sent", [GET, b"G", POST + b"Content-Length: 10\r\n\r\nabc", CHUNKED + b"5\r\n"])
def test_a_slow_request_is_refused(sent: bytes) -> None:
    async def test() -> None:
        async with serving(head_timeout_s=0.05, body_timeout_s=0.05) as wire:
            assert statuses(await wire.say(sent)) == [408]
            assert (wire.exchange.codes, wire.exchange.handled) == (["request_timeout"], [])

    run(test())


def test_silent_and_idle_connections_are_closed_without_a_word() -> None:
    async def test() -> None:
        async with serving(head_timeout_s=0.05, keep_alive_timeout_s=0.05) as wire:
            assert await wire.say() == b""
            assert statuses(await wire.say(GET + b"\r\n")) == [200]
            assert wire.exchange.refused == []

    run(test())


def test_a_connection_that_grew_old_is_closed_after_the_answer_in_hand() -> None:
    """What was sent behind it is no request: the client may send it again elsewhere (RFC 9112 9.6)."""

    async def test() -> None:
        gate = asyncio.Event()
        async with serving(RecordingExchange(gate), keep_alive_time_s=0.05) as wire:
            asyncio.get_running_loop().call_later(0.1, gate.set)
            answer = await wire.say(GET + b"\r\n", GET + b"\r\n")
            assert (statuses(answer), b"connection: close" in answer) == ([200], True)
            assert len(wire.exchange.handled) == 1

    run(test())


def test_a_young_connection_stays() -> None:
    async def test() -> None:
        async with serving(keep_alive_time_s=3_600) as wire:
            answer = await wire.say(GET + b"\r\n", GET + LAST)
            assert statuses(answer) == [200, 200]
            assert answer.count(b"connection: close") == 1

    run(test())


def test_a_client_that_leaves_its_answer_unread_is_cut_off() -> None:
    async def test() -> None:
        large = Response(200, (), b"x" * 20_000_000)
        async with serving(RecordingExchange(answer=large), write_timeout_s=0.05) as wire:
            reader, writer = await wire.connect()
            writer.transport.pause_reading()
            writer.write(GET + b"\r\n")
            await wire.exchange.left.wait()
            await wire.connections(0)
            writer.transport.resume_reading()
            with contextlib.suppress(ConnectionError):
                assert len(await reader.read()) < len(large.body)
            writer.close()

    run(test())


def test_a_client_that_reads_a_large_answer_slowly_gets_it() -> None:
    async def test() -> None:
        large = Response(200, (), b"x" * 20_000_000)
        async with serving(RecordingExchange(answer=large)) as wire:
            reader, writer = await wire.connect()
            writer.transport.pause_reading()
            writer.write(GET + b"Connection: close\r\n\r\n")
            await wire.exchange.left.wait()
            writer.transport.resume_reading()
            assert (await reader.read()).endswith(b"\r\n\r\n" + large.body)
            writer.close()

    run(test())


def test_beyond_the_cap_only_what_has_no_body_passes() -> None:
    async def test() -> None:
        async with serving(max_connections=1) as wire:
            _, first = await wire.connect()
            answer = await wire.say(POST + b"Content-Length: 2\r\n\r\nhi")
            assert (statuses(answer), b"\r\nretry-after: 1\r\n" in answer) == ([503], True)
            await wire.connections(1)
            assert statuses(await wire.say(GET + b"\r\n")) == [200]
            assert wire.exchange.codes == ["overloaded"]
            first.close()

    run(test())


def test_beyond_twice_the_cap_connections_are_dropped() -> None:
    async def test() -> None:
        async with serving(max_connections=1) as wire:
            held = [(await wire.connect())[1] for _ in range(2)]
            await wire.connections(2)
            with contextlib.suppress(ConnectionError):
                assert await wire.say(GET + b"\r\n") == b""
            assert wire.exchange.handled == []
            for writer in held:
                writer.close()

    run(test())


def test_an_answer_before_the_body_reaches_a_client_that_still_sends() -> None:
    async def test() -> None:
        async with serving(body_limit_bytes=1_000) as wire:
            reader, writer = await wire.connect()
            writer.write(POST + b"Content-Length: 3000000\r\n\r\n")
            for _ in range(30):
                writer.write(b"x" * 100_000)
                await writer.drain()
            assert statuses(await reader.read()) == [413]
            writer.close()
            assert wire.exchange.codes == ["body_too_large"]

    run(test())


def test_a_client_that_goes_away_aborts_its_exchange() -> None:
    async def test() -> None:
        async with serving(RecordingExchange(gate=asyncio.Event())) as wire:
            _, writer = await wire.connect()
            writer.write(POST + b"Content-Length: 2\r\n\r\nhi" + GET + b"\r\n")
            await wire.exchange.entered.wait()
            writer.close()
            await wire.exchange.left.wait()
            await asyncio.gather(*wire.state.tasks)
            assert [r.path for r in wire.exchange.aborted] == ["/v2/models/m/infer"]
            assert [r.path for r in wire.exchange.handled] == ["/v2/models/m/infer"]

    run(test())


# What we rely on in uvicorn.


def test_uvicorns_own_server_runs_and_stops_it() -> None:
    async def test() -> None:
        exchange = RecordingExchange(gate=asyncio.Event())
        limits = HttpLimits()
        server = uvicorn.Server(configured(Front(exchange, limits), limits))
        async with serving(exchange) as unused:  # only for a free port
            port = unused.port
        server.config.port = port
        task = asyncio.create_task(server._serve())
        await until(lambda: server.started)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET + b"\r\n")
        await exchange.entered.wait()
        server.should_exit = True
        assert exchange.gate is not None
        await asyncio.sleep(0)
        exchange.gate.set()
        assert statuses(await reader.read()) == [200]
        writer.close()
        await task

    run(test())


def test_what_is_relied_on_is_there() -> None:
    assert uvicorn.__version__.startswith("0.54.")
    for name in (
        "connection_made",
        "connection_lost",
        "eof_received",
        "data_received",
        "on_response_complete",
        "shutdown",
    ):
        assert callable(getattr(HttpToolsProtocol, name))
    limits = HttpLimits()
    config = configured(Front(RecordingExchange(), limits), limits)
    loop = asyncio.new_event_loop()
    protocol = config.http_protocol_class(
        config=config, server_state=uvicorn.Server(config).server_state, app_state={}, _loop=loop
    )
    loop.close()
    assert {"connections", "tasks", "pipeline", "flow", "cycle", "transport", "server_state"} <= set(vars(protocol))
    cycle_attributes = RequestResponseCycle.__init__.__code__.co_names
    assert {"disconnected", "keep_alive", "body", "more_body", "message_event", "response_complete"} <= set(
        cycle_attributes
    )


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Key and certificate of localhost, in one file."""
    path = tmp_path / "localhost.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-keyout", str(path), "-out", str(tmp_path / "c"), "-subj", "/CN=localhost", "-days", "2"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "c").read_bytes())
    return path


def test_over_tls(certificate: Path) -> None:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=certificate)

    async def test() -> None:
        async with serving(tls=context) as wire:

            async def say(data: bytes) -> bytes:
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", wire.port, ssl=trusting, server_hostname="localhost"
                )
                writer.write(data)
                answer = await reader.read()
                writer.close()
                return answer

            assert statuses(await say(OK)) == [200]
            assert statuses(await say(MALFORMED["two Hosts"])) == [400]

    run(test())
