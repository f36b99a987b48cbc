from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.http1.request_reader import RequestReader
from sidecar.model.message import Response
from sidecar.proxy.cycle import Cycle
from sidecar.proxy.front import NO_DECISION
from sidecar.proxy.server import StrictProtocol
from tests.unit.proxy.wire import RecordingExchange, run, serving, statuses, until

if TYPE_CHECKING:
    from sidecar.model.message import Request
    from sidecar.proxy.client import Client

HOST = b"Host: a\r\n"
POST = b"POST /a HTTP/1.1\r\n" + HOST
GET = b"GET /ping HTTP/1.1\r\n" + HOST
LAST = b"Connection: close\r\n\r\n"
CHUNKS = b"Transfer-Encoding: chunked\r\n\r\n"
LAST_GET = GET + LAST


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
            assert wire.front.body_bytes == wire.front._in_flight.held == 0

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
            assert wire.front.body_bytes == 0

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


def test_a_body_counts_while_it_is_at_work() -> None:
    async def test() -> None:
        gate = asyncio.Event()
        async with serving(RecordingExchange(gate=gate)) as wire:
            answer = asyncio.create_task(wire.say(POST + b"Content-Length: 100000\r\n" + LAST, b"x" * 100_000))
            await wire.exchange.entered.wait()
            assert wire.front.body_bytes == 100_000
            gate.set()
            assert statuses(await answer) == [200]
            assert wire.front.body_bytes == 0

    run(test())


# The end.


def codes(answer: bytes) -> list[str]:
    """The reasons in the problem that ends what a connection carried."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"\r\ncontent-type: application/problem+json\r\n" in head
    assert b"\r\nretry-after: 1\r\n" in head
    assert head.endswith(b"\r\nconnection: close")
    return [reason["code"] for reason in json.loads(body)["reasons"]]


def test_stop_refuses_what_is_still_being_read() -> None:
    async def test() -> None:
        async with serving() as wire:
            answer = asyncio.create_task(wire.say(POST + b"Content-Length: 5\r\n\r\nhe"))
            await until(lambda: wire.front.body_bytes == 2)
            wire.front.stop()
            said = await answer
            assert (statuses(said), codes(said)) == ([503], ["shutting_down"])
            assert (wire.exchange.codes, wire.exchange.handled) == (["shutting_down"], [])
            assert wire.front.body_bytes == wire.front._in_flight.held == len(wire.front._at_work) == 0

    run(test())


def test_stop_ends_what_is_at_work_and_each_client_is_told() -> None:
    async def test() -> None:
        async with serving(RecordingExchange(gate=asyncio.Event())) as wire:
            sent = [POST + b"Content-Length: 2\r\n\r\nhi", GET + b"\r\n"]
            answers = [asyncio.create_task(wire.say(one)) for one in sent]
            await until(lambda: len(wire.exchange.handled) == 2)
            wire.front.stop()
            for answer in answers:
                said = await answer
                assert (statuses(said), codes(said)) == ([503], ["shutting_down"])
                assert NO_DECISION.encode() in said
            assert sorted(r.path for r in wire.exchange.aborted) == ["/a", "/ping"]
            assert wire.exchange.refused == []

    run(test())


def test_after_stop_nothing_is_taken_up() -> None:
    async def test() -> None:
        async with serving() as wire:
            wire.front.stop()
            for sent in (GET + b"\r\n", POST + b"Content-Length: 2\r\n\r\nhi"):
                assert codes(await wire.say(sent)) == ["shutting_down"]
            assert (wire.exchange.codes, wire.exchange.handled) == (["shutting_down"] * 2, [])

    run(test())


class Slow(RecordingExchange):
    """Takes its time over a refusal's record."""

    async def refuse(self, *args: Any, **kwargs: Any) -> Response:
        self.entered.set()
        assert self.gate is not None
        await self.gate.wait()
        return await super().refuse(*args, **kwargs)


def test_stop_leaves_a_refusal_that_is_being_recorded() -> None:
    async def test() -> None:
        exchange = Slow(gate=asyncio.Event())
        async with serving(exchange, body_limit_bytes=1) as wire:
            answer = asyncio.create_task(wire.say(POST + b"Content-Length: 2\r\n\r\nhi"))
            await exchange.entered.wait()
            wire.front.stop()
            assert exchange.gate is not None
            exchange.gate.set()
            assert statuses(await answer) == [413]

    run(test())


class Answering(RecordingExchange):
    """Ends well although it is cancelled: with an answer of its own."""

    async def handle(self, request: Request, client: Client | None = None) -> Response | None:
        try:
            return await super().handle(request)
        except asyncio.CancelledError as error:
            return Response(503, ((b"x-decision-id", b"1"),), str(error).encode())


def test_an_exchange_may_answer_its_end_itself() -> None:
    async def test() -> None:
        async with serving(Answering(gate=asyncio.Event())) as wire:
            answer = asyncio.create_task(wire.say(GET + b"\r\n"))
            await wire.exchange.entered.wait()
            wire.front.stop()
            assert await answer == (
                b"HTTP/1.1 503 Service Unavailable\r\nx-decision-id: 1\r\n"
                b"content-length: 13\r\nconnection: close\r\n\r\nshutting_down"
            )

    run(test())


# Streams.


class Streaming(RecordingExchange):
    """Begins an answer, and ends it well, or with a refusal, or when the gate opens."""

    end: Response | None = None

    async def handle(self, request: Request, client: Client | None = None) -> Response | None:
        self.handled.append(request)
        self.entered.set()
        if client is None:
            return Response(200, (), b"whole")
        await client.begin(Response(200, ((b"content-type", b"text/event-stream"), (b"content-length", b"9"))))
        await client.part(b"data: 1\n\n")
        if self.gate is not None:
            try:
                await self.gate.wait()
            except asyncio.CancelledError:
                self.aborted.append(request)
                if self.end is None:
                    raise
        return self.end


STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n%btransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"
)
LAST_CHUNK = b"0\r\n\r\n"


def test_a_stream_is_sent_in_chunks_and_ended_when_it_is_on_record() -> None:
    async def test() -> None:
        async with serving(Streaming()) as wire:
            answer = await wire.say(GET + b"\r\n" + GET + LAST)
            assert answer == STREAM % b"" + LAST_CHUNK + STREAM % b"connection: close\r\n" + LAST_CHUNK

    run(test())


def test_a_stream_begins_before_it_ends() -> None:
    async def test() -> None:
        gate = asyncio.Event()
        async with serving(Streaming(gate=gate)) as wire:
            reader, writer = await wire.connect()
            writer.write(GET + b"\r\n")
            assert await reader.readexactly(len(STREAM % b"")) == STREAM % b""
            gate.set()
            assert await reader.readexactly(len(LAST_CHUNK)) == LAST_CHUNK
            writer.close()

    run(test())


def test_a_stream_that_broke_off_never_looks_whole() -> None:
    async def test() -> None:
        exchange = Streaming()
        exchange.end = Response(502, (), b"why")
        async with serving(exchange) as wire:
            reader, writer = await wire.connect()
            writer.write(GET + b"\r\n" + GET + b"\r\n")
            got = b""
            with contextlib.suppress(ConnectionResetError):
                got = await reader.read()
            assert LAST_CHUNK not in got
            assert b"why" not in got
            assert len(wire.exchange.handled) == 1
            writer.close()

    run(test())


def test_a_client_that_leaves_a_stream_cancels_it() -> None:
    async def test() -> None:
        async with serving(Streaming(gate=asyncio.Event())) as wire:
            reader, writer = await wire.connect()
            writer.write(GET + b"\r\n")
            await reader.readexactly(10)
            writer.transport.abort()
            await until(lambda: wire.exchange.aborted)

    run(test())


def test_the_end_cuts_a_stream() -> None:
    async def test() -> None:
        exchange = Streaming(gate=asyncio.Event())
        exchange.end = Response(503)
        async with serving(exchange) as wire:
            reader, writer = await wire.connect()
            writer.write(GET + b"\r\n")
            await reader.readexactly(len(STREAM % b""))
            wire.front.stop()
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await reader.readexactly(1)
            writer.close()

    run(test())


def test_an_older_client_gets_a_whole_answer() -> None:
    async def test() -> None:
        async with serving(Streaming()) as wire:
            answer = await wire.say(b"GET /ping HTTP/1.0\r\nHost: a\r\n\r\n")
            assert answer.endswith(b"\r\n\r\nwhole")
            assert b"chunked" not in answer

    run(test())


# Our own faults.


class Broken(RecordingExchange):
    async def handle(self, request: Request, client: Client | None = None) -> Response | None:
        raise ZeroDivisionError

    async def refuse(self, *args: Any, **kwargs: Any) -> Response:
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"\r\n",
        POST + b"Content-Length: 2\r\n\r\nhi",
        POST + b"Content-Length: 2000\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_whatever_is_raised_there_is_an_answer_and_one_traceback(sent: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serving(Broken(), body_limit_bytes=1_000) as wire:
            said = await wire.say(sent)
            assert (statuses(said), codes(said)) == ([503], ["sidecar_failed"])
            assert wire.front.body_bytes == wire.front._in_flight.held == len(wire.front._at_work) == 0

    with caplog.at_level(logging.ERROR):
        run(test())
    assert [(r.name, r.exc_info is not None) for r in caplog.records] == [("sidecar.front", True)]


@pytest.mark.parametrize("answer", [Response(200, ((b"x", b"a\r\nb"),), b"body"), Response(999, (), b"body")])
def test_an_answer_that_cannot_be_framed_becomes_a_problem(answer: Response, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with serving(RecordingExchange(answer=answer)) as wire:
            said = await wire.say(GET + b"\r\n")
            assert (statuses(said), codes(said)) == ([503], ["sidecar_failed"])

    with caplog.at_level(logging.ERROR):
        run(test())
    assert [(r.name, r.exc_info is not None) for r in caplog.records] == [("sidecar.front", True)]


def test_an_exchange_leaves_nothing_to_the_garbage_collector() -> None:
    """Else its fields and its body stay in memory until some thousand others have come: cold memory for each one."""

    async def test() -> None:
        one, exchanges = POST + b"Content-Length: 1\r\n\r\nx", 50
        async with serving() as wire:
            assert statuses(await wire.say(one * 2, LAST_GET)) == [200, 200, 200]
            gc.collect()
            gc.disable()
            try:
                assert statuses(await wire.say(one * exchanges, LAST_GET)) == [200] * (exchanges + 1)
                assert gc.collect() < exchanges  # what a connection leaves at its end is not counted against each
            finally:
                gc.enable()

    run(test())


def test_a_connection_leaves_nothing_to_the_garbage_collector() -> None:
    """Which looks at what has lived for a while so seldom that thousands of them would wait for it."""

    async def test() -> None:
        async with serving() as wire:
            assert statuses(await wire.say(LAST_GET)) == [200]
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    assert statuses(await wire.say(LAST_GET)) == [200]
                    assert statuses(await wire.say(b"nothing\r\n\r\n")) == [400]
                await wire.connections(0)
                left = [held for held in gc.get_objects() if isinstance(held, StrictProtocol | Cycle | RequestReader)]
                assert left == []
            finally:
                gc.enable()

    run(test())
