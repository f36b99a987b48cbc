from __future__ import annotations

import asyncio

import pytest

from sidecar.model.message import Response
from tests.unit.proxy.wire import RecordingExchange, run, serving, statuses

HOST = b"Host: a\r\n"
POST = b"POST /a HTTP/1.1\r\n" + HOST
GET = b"GET /ping HTTP/1.1\r\n" + HOST
LAST = b"Connection: close\r\n\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (POST + b"Content-Length: 10\r\n" + LAST + b"x" * 10, 200),
        (POST + b"Content-Length: 11\r\n\r\n" + b"x" * 11, 413),
        (POST + b"Content-Length: 11\r\n\r\n", 413),
        (POST + b"Connection: close\r\n" + CHUNKS + b"5\r\nxxxxx\r\n5\r\nxxxxx\r\n0\r\n\r\n", 200),
        (POST + CHUNKS + b"5\r\nxxxxx\r\n6\r\nxxxxxx\r\n0\r\n\r\n", 413),
        (POST + CHUNKS + b"b\r\nxxxxxxxxxxx", 413),
    ],
)
def test_the_body_limit(sent: bytes, status: int) -> None:
    async def test() -> None:
        async with serving(body_limit_bytes=10) as wire:
            assert statuses(await wire.say(sent)) == [status]
            assert [r.body for r in wire.exchange.handled] == [b"x" * 10] * (status == 200)
            assert wire.exchange.codes == ["body_too_large"] * (status == 413)
            assert wire.front._body_bytes == wire.front._in_flight == 0

    run(test())


def test_a_large_body_arrives_whole() -> None:
    async def test() -> None:
        async with serving() as wire:
            body = bytes(range(256)) * 20_000
            assert statuses(await wire.say(POST + b"Content-Length: %d\r\n" % len(body) + LAST, body)) == [200]
            assert [r.body for r in wire.exchange.handled] == [body]

    run(test())


def test_the_budget_of_all_bodies() -> None:
    async def test() -> None:
        gate = asyncio.Event()
        async with serving(RecordingExchange(gate=gate), body_budget_bytes=10) as wire:
            first = asyncio.create_task(wire.say(POST + b"Content-Length: 6\r\n" + LAST + b"x" * 6))
            await wire.exchange.entered.wait()
            refused = await wire.say(POST + b"Content-Length: 5\r\n\r\n" + b"x" * 5)
            assert (statuses(refused), b"\r\nretry-after: 1\r\n" in refused) == ([503], True)
            second = asyncio.create_task(wire.say(POST + b"Content-Length: 4\r\n" + LAST + b"x" * 4))
            gate.set()
            assert [statuses(await first), statuses(await second)] == [[200], [200]]
            assert wire.exchange.codes == ["overloaded"]
            assert wire.front._body_bytes == 0

    run(test())


def test_requests_in_flight_but_for_probes() -> None:
    async def test() -> None:
        gate = asyncio.Event()
        async with serving(RecordingExchange(gate=gate), max_in_flight=1) as wire:
            first = asyncio.create_task(wire.say(POST + b"Content-Length: 1\r\n" + LAST + b"x"))
            await wire.exchange.entered.wait()
            probe = asyncio.create_task(wire.say(GET + LAST))
            assert statuses(await wire.say(POST + b"Content-Length: 1\r\n\r\nx")) == [503]
            gate.set()
            assert [statuses(await first), statuses(await probe)] == [[200], [200]]
            assert statuses(await wire.say(POST + b"Content-Length: 1\r\n" + LAST + b"x")) == [200]

    run(test())


def test_the_answer_is_framed_anew() -> None:
    async def test() -> None:
        fields = (
            (b"content-length", b"999"),
            (b"transfer-encoding", b"chunked"),
            (b"connection", b"upgrade"),
            (b"set-cookie", b"a=b"),
            (b"set-cookie", b"c=d"),
        )
        async with serving(RecordingExchange(answer=Response(201, fields, b"body"))) as wire:
            assert await wire.say(GET + LAST) == (
                b"HTTP/1.1 201 Created\r\nset-cookie: a=b\r\nset-cookie: c=d\r\n"
                b"content-length: 4\r\nconnection: close\r\n\r\nbody"
            )

    run(test())


@pytest.mark.parametrize(
    ("method", "answer", "head"),
    [
        (b"GET", Response(200), b"200 OK\r\ncontent-length: 0"),
        (b"GET", Response(204), b"204 No Content"),
        (b"HEAD", Response(200), b"200 OK"),
        (b"HEAD", Response(403, (), b"problem"), b"403 Forbidden\r\ncontent-length: 7"),
    ],
)
def test_answers_without_a_body(method: bytes, answer: Response, head: bytes) -> None:
    async def test() -> None:
        async with serving(RecordingExchange(answer=answer)) as wire:
            said = await wire.say(method + b" / HTTP/1.1\r\n" + HOST + b"\r\n" + GET + LAST)
            assert said.startswith(b"HTTP/1.1 " + head + b"\r\n\r\nHTTP/1.1 ")

    run(test())


def test_refusals_say_what_would_do() -> None:
    async def test() -> None:
        async with serving() as wire:
            answer = await wire.say(b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n")
            assert b"\r\nallow: DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT\r\n" in answer

    run(test())
