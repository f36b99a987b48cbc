"""The pool against a server that misbehaves in one way at a time."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from typing import TYPE_CHECKING

import pytest

from sidecar.http1.errors import Crowded, ExchangeFailed, Malformed, Timeout, TooLarge, Truncated, Unreachable
from sidecar.http1.pool import Pool
from sidecar.http1.response_reader import ResponseReader
from sidecar.http1.target import Target
from sidecar.model.budget import Budget
from sidecar.model.message import Response
from tests.unit.http1.scripted import OK, Peer, Served, answering, keep_answering, run, scripted, until

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = Response(200, ((b"content-length", b"2"),), b"ok")


def test_one_connection_serves_one_request_after_the_other() -> None:
    async def test() -> None:
        async with scripted(keep_answering) as served:
            assert [await served.send() for _ in range(5)] == [WHOLE] * 5
            assert len(served.peers) == 1

    run(test())


def test_what_is_sent() -> None:
    seen: list[bytes] = []

    async def script(peer: Peer) -> None:
        while True:
            seen.append(await peer.request())
            await peer.say(OK)

    async def test() -> None:
        async with scripted(script) as served:
            await served.send(b"POST", b"/a?b=c", b"hi")
            await served.send(b"POST", b"/a", b"")
            await served.send(b"GET", b"/a", b"")
            await served.send(b"PUT", b"/a", b"x" * 3_000_000)
            host = served.pool.target.authority
            head = b" HTTP/1.1\r\nhost: " + host + b"\r\nx-one: 1\r\n"
            assert seen == [
                b"POST /a?b=c" + head + b"content-length: 2\r\n\r\nhi",
                b"POST /a" + head + b"content-length: 0\r\n\r\n",
                b"GET /a" + head + b"\r\n",
                b"PUT /a" + head + b"content-length: 3000000\r\n\r\n" + b"x" * 3_000_000,
            ]

    run(test())


@pytest.mark.parametrize(
    ("method", "target", "field"),
    [
        (b"POST", b"/", (b"x", b"a\r\nb: c")),
        (b"POST", b"/", (b"x\r\ny", b"a")),
        (b"POST", b"/", (b"x", b"a\nb")),
        (b"POST", b"/", (b"x", b"a\0b")),
        (b"POST", b"/ HTTP/1.1\r\nhost: b\r\n\r\nGET /", (b"x", b"a")),
        (b"POST", b"/", (b"content-length", b"1")),
        (b"POST", b"/", (b"transfer-encoding", b"chunked")),
        (b"POST", b"/", (b"host", b"b")),
    ],
)
def test_a_head_that_would_be_more_than_one_is_not_written(
    method: bytes, target: bytes, field: tuple[bytes, bytes]
) -> None:
    async def test() -> None:
        async with scripted(keep_answering) as served:
            with pytest.raises(ValueError, match=r"framing|line break"):
                await served.pool.send(method, target, (field,), b"", timeout_s=1)
            assert served.peers == []

    run(test())


def test_connections_are_bounded() -> None:
    async def test() -> None:
        async with scripted(keep_answering, max_connections=3) as served:
            assert await asyncio.gather(*(served.send() for _ in range(50))) == [WHOLE] * 50
            assert len(served.peers) == 3

    run(test())


def test_who_waits_for_a_connection_is_served_in_order() -> None:
    order: list[int] = []

    async def test() -> None:
        async with scripted(keep_answering, max_connections=1) as served:

            async def one(number: int) -> None:
                await served.send()
                order.append(number)

            await asyncio.gather(*(one(number) for number in range(20)))
            assert order == list(range(20))

    run(test())


def test_nothing_listens() -> None:
    async def test() -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        pool = Pool(Target.parse(f"http://127.0.0.1:{port}"))
        for _ in range(3):
            with pytest.raises(Unreachable):
                await pool.send(b"GET", b"/", (), b"", timeout_s=1)
        await pool.aclose()

    run(test())


def test_a_unix_socket(tmp_path: Path) -> None:
    async def test() -> None:
        async def follow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await answering(OK)(Peer(reader, writer))
            writer.close()

        path = tmp_path / "m.sock"
        pool = Pool(Target.parse(f"unix://{path}"))
        with pytest.raises(Unreachable):
            await pool.send(b"GET", b"/", (), b"", timeout_s=1)
        server = await asyncio.start_unix_server(follow, path)
        assert await pool.send(b"GET", b"/", (), b"", timeout_s=1) == WHOLE
        await pool.aclose()
        server.close()
        await server.wait_closed()

    run(test())


FAILURES = [
    pytest.param(b"", True, Truncated, id="death before an answer"),
    pytest.param(b"HTTP/1.1 200 OK\r\nconte", True, Truncated, id="death in the head"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", True, Truncated, id="death in the body"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n",
        True,
        Truncated,
        id="no last chunk",
    ),
    pytest.param(b"", False, Timeout, id="silence"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", False, Timeout, id="stall in the body"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", False, Timeout, id="stall after 100"),
    pytest.param(b"hello", False, Malformed, id="not HTTP"),
    pytest.param(b"HTTP/1.1 101 Go\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", False, Malformed, id="101"),
    pytest.param(b"HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n", False, TooLarge, id="announced too large"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 200, False, TooLarge, id="too large until close"),
]


@pytest.mark.parametrize(("data", "then_close", "failure"), FAILURES)
def test_a_failed_exchange_is_told_apart_and_its_connection_gone(
    data: bytes, then_close: bool, failure: type[ExchangeFailed]
) -> None:
    async def test() -> None:
        first = answering(data, then_close=then_close)
        async with scripted(first, keep_answering, response_limit_bytes=100, max_connections=1) as served:
            with pytest.raises(failure) as caught:
                await served.send(timeout_s=0.2)
            assert type(caught.value) is failure
            assert await served.send() == WHOLE
            assert len(served.peers) == 2

    run(test())


NOT_REUSED = [
    pytest.param(OK + b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", id="a second response at once"),
    pytest.param(OK + b"x", id="stray byte"),
    pytest.param(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok", id="told to close"),
    pytest.param(b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", id="HTTP/1.0"),
]


@pytest.mark.parametrize("data", NOT_REUSED)
def test_a_connection_is_kept_only_after_a_clean_response(data: bytes) -> None:
    async def test() -> None:
        async with scripted(answering(data), keep_answering, max_connections=1) as served:
            assert [(await served.send()).body for _ in range(2)] == [b"ok", b"ok"]
            assert len(served.peers) == 2

    run(test())


def test_data_on_an_idle_connection_closes_it() -> None:
    async def test() -> None:
        idle_said, closed = asyncio.Event(), asyncio.Event()

        async def script(peer: Peer) -> None:
            await answering(OK, then_close=True)(peer)
            await idle_said.wait()
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
            await peer.until_closed()
            closed.set()

        async with scripted(script, keep_answering) as served:
            await served.send()
            idle_said.set()
            await closed.wait()
            assert await served.send() == WHOLE
            assert len(served.peers) == 2

    run(test())


def test_a_server_that_closes_when_idle_costs_nothing() -> None:
    async def test() -> None:
        async with scripted(answering(OK, then_close=True)) as served:
            for _ in range(20):
                assert await served.send() == WHOLE
                await asyncio.sleep(0)

    run(test())


def test_connections_idle_for_too_long_are_not_used() -> None:
    async def test() -> None:
        async with scripted(keep_answering, idle_limit_s=-1.0, max_connections=1) as served:
            assert [await served.send() for _ in range(3)] == [WHOLE] * 3
            assert len(served.peers) == 3

    run(test())


def test_an_answer_before_the_request_was_read_ends_the_connection() -> None:
    async def test() -> None:
        async def script(peer: Peer) -> None:
            await peer.reader.readuntil(b"\r\n\r\n")
            peer.reader._transport.pause_reading()  # type: ignore[attr-defined]
            await peer.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
            await second.wait()

        second = asyncio.Event()
        async with scripted(script, keep_answering, max_connections=1) as served:
            answer = await served.send(body=b"x" * 30_000_000)
            assert (answer.status, answer.body) == (413, b"no")
            assert await served.send() == WHOLE
            second.set()
            assert len(served.peers) == 2

    run(test())


def test_nothing_that_was_sent_is_sent_again() -> None:
    seen: list[bytes] = []

    async def dies_at_the_second(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(OK)
        seen.append(await peer.request())

    async def test() -> None:
        async with scripted(dies_at_the_second, keep_answering) as served:
            await served.send(target=b"/1")
            with pytest.raises(Truncated):
                await served.send(target=b"/2")
            assert [request.split()[1] for request in seen] == [b"/1", b"/2"]
            assert len(served.peers) == 1

    run(test())


def test_a_cancelled_exchange_takes_its_connection_along() -> None:
    async def test() -> None:
        came, closed = asyncio.Event(), asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            came.set()
            await peer.until_closed()
            closed.set()

        async with scripted(script, keep_answering, max_connections=1) as served:
            task = asyncio.create_task(served.send())
            await came.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await closed.wait()
            assert await served.send() == WHOLE

    run(test())


def test_a_waiter_that_gives_up_leaves_its_place_to_the_next() -> None:
    async def test() -> None:
        go = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await go.wait()
            await peer.say(OK)
            await keep_answering(peer)

        async with scripted(script, max_connections=1) as served:
            first = asyncio.create_task(served.send())
            await until(lambda: served.peers)
            with pytest.raises(Crowded, match="no free connection"):
                await served.send(timeout_s=0.02)
            cancelled = asyncio.create_task(served.send())
            patient = asyncio.create_task(served.send())
            await asyncio.sleep(0)
            go.set()
            cancelled.cancel()
            assert [await first, await patient] == [WHOLE, WHOLE]
            assert len(served.peers) == 1

    run(test())


def test_after_the_end_nobody_is_served() -> None:
    async def test() -> None:
        async with scripted(answering(b""), max_connections=1) as served:
            sending = asyncio.create_task(served.send())
            waiting = asyncio.create_task(served.send())
            await until(lambda: served.peers)
            await served.pool.aclose()
            assert [type(e) for e in await asyncio.gather(sending, waiting, return_exceptions=True)] == [
                Truncated,
                Unreachable,
            ]
            with pytest.raises(Unreachable):
                await served.send()

    run(test())


def test_many_at_once_each_get_their_own_answer() -> None:
    async def echo(peer: Peer) -> None:
        while True:
            body = (await peer.request()).partition(b"\r\n\r\n")[2]
            await peer.say(b"HTTP/1.1 200 \r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async def test() -> None:
        async with scripted(echo, max_connections=5) as served:
            bodies = [b"%d" % number * number for number in range(1, 200)]
            answers = await asyncio.gather(*(served.send(body=body) for body in bodies))
            assert [answer.body for answer in answers] == bodies

    run(test())


# Responses that are taken part by part.

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nx: 1\r\n\r\n"
HEAD = Response(200, ((b"transfer-encoding", b"chunked"), (b"x", b"1")))


async def taken(served: Served, *, timeout_s: float = 5.0) -> tuple[Response, list[bytes]]:
    async with served.pool.stream(b"POST", b"/a", (), b"hi", timeout_s=timeout_s) as streamed:
        parts: list[bytes] = []
        while part := await streamed.part():
            parts.append(part)
        return streamed.head, parts


def test_a_stream_comes_as_it_is_sent_and_its_connection_is_kept() -> None:
    async def test() -> None:
        go_on = asyncio.Event()

        async def script(peer: Peer) -> None:
            while True:
                await peer.request()
                await peer.say(CHUNKED)
                await go_on.wait()
                await peer.say(b"2\r\nab\r\n0\r\n\r\n")

        async with scripted(script) as served:
            async with served.pool.stream(b"POST", b"/a", (), b"hi", timeout_s=5) as streamed:
                assert streamed.head == HEAD
                go_on.set()
                assert [await streamed.part(), await streamed.part()] == [b"ab", b""]
            assert await taken(served) == (HEAD, [b"ab"])
            assert len(served.peers) == 1

    run(test())


def test_who_leaves_a_stream_ends_its_connection() -> None:
    async def test() -> None:
        ended = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            await peer.say(CHUNKED + b"1\r\na\r\n")
            await peer.until_closed()
            ended.set()

        async with scripted(script, keep_answering) as served:
            async with served.pool.stream(b"POST", b"/a", (), b"hi", timeout_s=5) as streamed:
                assert await streamed.part() == b"a"
            await ended.wait()
            assert await served.send() == WHOLE
            assert len(served.peers) == 2

    run(test())


@pytest.mark.parametrize(
    ("sent", "failure"),
    [
        (b"", Truncated),
        (CHUNKED[:20], Truncated),
        (CHUNKED + b"1\r\na\r\n", Truncated),
        (CHUNKED + b"x\r\n", Malformed),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nab", Truncated),
    ],
)
def test_a_stream_that_breaks_off(sent: bytes, failure: type[ExchangeFailed]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(sent)

    async def test() -> None:
        async with scripted(script) as served:
            with pytest.raises(failure):
                await taken(served)

    run(test())


def test_a_stream_that_falls_silent_is_timed_out() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(CHUNKED + b"1\r\na\r\n")
        await peer.until_closed()

    async def test() -> None:
        async with scripted(script) as served:
            with pytest.raises(Timeout):
                await taken(served, timeout_s=0.05)

    run(test())


def test_a_stream_that_nobody_takes_is_not_read() -> None:
    size_bytes = 8_000_000

    async def test() -> None:
        blocked = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.request()
            peer.writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size_bytes + bytes(size_bytes))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(peer.writer.drain(), 0.2)
                raise AssertionError("all of it was taken")
            blocked.set()
            await peer.writer.drain()

        async with (
            scripted(script) as served,
            served.pool.stream(b"POST", b"/a", (), b"hi", timeout_s=5) as streamed,
        ):
            await blocked.wait()
            got = 0
            while part := await streamed.part():
                got += len(part)
            assert got == size_bytes

    run(test())


# Memory.


def test_responses_count_in_the_budget_while_they_come() -> None:
    size_bytes = 100_000
    budget = Budget(150_000)

    async def script(peer: Peer) -> None:
        while True:
            await peer.request()
            await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size_bytes + bytes(size_bytes))

    async def test() -> None:
        async with scripted(script, budget=budget) as served:
            assert len((await served.send()).body) == size_bytes
            assert budget.held == 0
            budget.hold(100_000)
            with pytest.raises(Crowded):
                await served.send()
            assert budget.held == 100_000

    run(test())


def test_a_small_response_comes_however_full_memory_is() -> None:
    async def test() -> None:
        budget = Budget(1)
        budget.hold(1_000)
        async with scripted(keep_answering, budget=budget) as served:
            assert await served.send() == WHOLE
            assert budget.held == 1_000

    run(test())


def test_a_stream_left_while_it_was_held_back_ends_its_connection() -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: 500000\r\n\r\n" + bytes(500_000))
        await peer.until_closed()

    async def test() -> None:
        async with scripted(script, keep_answering) as served:
            async with served.pool.stream(b"POST", b"/a", (), b"hi", timeout_s=5) as streamed:
                await until(lambda: streamed.connection._paused)
            assert await served.send() == WHOLE
            assert len(served.peers) == 2

    run(test())


def test_a_response_leaves_no_cycle_that_holds_its_body() -> None:
    async def test() -> None:
        async with scripted(keep_answering) as served:
            await served.send()
            gc.collect()
            gc.disable()
            try:
                for _ in range(5):
                    await served.send()
                assert [held for held in gc.get_objects() if isinstance(held, ResponseReader)] == []
            finally:
                gc.enable()

    run(test())
