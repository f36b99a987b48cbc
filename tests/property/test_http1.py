"""However bytes are cut into reads, the verdict is the same; and what we accept, everybody reads alike."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import h11
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.http1.errors import ExchangeFailed
from sidecar.http1.response_reader import ResponseReader
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from tests.budgets import examples
from tests.property.reads import Client, cut, damaged
from tests.unit.proxy.wire import RecordingExchange

if TYPE_CHECKING:
    from uvicorn.server import ServerState

    from sidecar.model.message import Request

TOKEN = st.text("abcXYZ-_019", min_size=1, max_size=8).map(str.encode)
VALUE = st.text('ab ,;="\t!', max_size=10).map(str.encode)
BODY = st.binary(max_size=40)


@st.composite
def chunked(draw: st.DrawFn, body: bytes) -> bytes:
    out = b""
    while body:
        size = draw(st.integers(1, len(body)))
        out += b"%x\r\n" % size + body[:size] + b"\r\n"
        body = body[size:]
    trailers = draw(st.lists(st.tuples(TOKEN, VALUE), max_size=2))
    return out + b"0\r\n" + b"".join(n + b": " + v + b"\r\n" for n, v in trailers) + b"\r\n"


@st.composite
def message(draw: st.DrawFn, line: bytes, fields: list[tuple[bytes, bytes]]) -> bytes:
    """A well-formed message with that start line, with these fields among others."""
    body = draw(BODY)
    fields = fields + draw(st.lists(st.tuples(TOKEN, VALUE), max_size=4))
    match draw(st.sampled_from(["length", "chunked", "none"])):
        case "length":
            fields.append((b"Content-Length", b"%d" % len(body)))
        case "chunked":
            fields.append((b"Transfer-Encoding", b"chunked"))
            body = draw(chunked(body))
        case _:
            body = b""
    return line + b"".join(n + b": " + v + b"\r\n" for n, v in draw(st.permutations(fields))) + b"\r\n" + body


@st.composite
def request(draw: st.DrawFn) -> bytes:
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"HEAD", b"TRACE"]))
    target = draw(st.text("/ab%2f.?;", max_size=8).map(lambda text: b"/" + text.encode()))
    fields = [(b"Host", b"a")]
    if draw(st.integers(0, 5)) == 0:
        fields += [(b"Connection", b"Upgrade"), (b"Upgrade", b"h2c")]
    elif draw(st.integers(0, 5)) == 0:
        fields.append((b"Connection", b"close"))
    return draw(message(method + b" " + target + b" HTTP/1.1\r\n", fields))


Verdict = tuple[list["Request"], list[tuple["Request", str]], bytes]


async def verdict(pieces: list[bytes]) -> Verdict:
    """What the exchange saw and the client read, of these reads and then the end."""
    exchange, limits = RecordingExchange(), HttpLimits(body_limit_bytes=1_000)
    client = Client(Front(exchange, limits), limits)
    for piece in pieces:
        await client.say(piece)
        await settled(client.state)
    client.end()
    await settled(client.state)
    written = await client.leave()
    refused = [(request, reasons[0].code) for request, reasons in exchange.refused]
    return exchange.handled, refused, written


async def settled(state: ServerState) -> None:
    quiet, before = 0, -1
    while quiet < 4:
        await asyncio.sleep(0)
        quiet = quiet + 1 if state.total_requests == before else 0
        before = state.total_requests


@settings(max_examples=examples(300))
@given(st.data())
def test_any_cut_of_requests_gives_the_same_verdict(data: st.DataObject) -> None:
    whole = b"".join(data.draw(st.lists(request(), min_size=1, max_size=3)))
    whole = data.draw(damaged(whole))
    pieces = data.draw(cut(whole))
    with asyncio.Runner() as runner:
        assert runner.run(verdict(pieces)) == runner.run(verdict([whole]))


@settings(max_examples=examples(300))
@given(st.data())
def test_what_is_accepted_another_parser_reads_alike(data: st.DataObject) -> None:
    """h11 is written independently of llhttp. It may refuse what we accept, never read it otherwise."""
    whole = data.draw(damaged(data.draw(request())))
    with asyncio.Runner() as runner:
        handled, _, _ = runner.run(verdict([whole]))
    for ours in handled[:1]:
        theirs = h11.Connection(h11.SERVER)
        theirs.receive_data(whole)
        try:
            event = theirs.next_event()
        except h11.RemoteProtocolError:
            return
        assert isinstance(event, h11.Request)
        assert event.method.decode() == ours.method
        assert event.target.decode() == ours.path + ("?" + ours.query if "?" in event.target.decode() else "")
        body = b""
        while isinstance(part := theirs.next_event(), h11.Data):
            body += part.data
        assert isinstance(part, h11.EndOfMessage)
        assert body == ours.body


@settings(max_examples=examples(300))
@given(st.data())
def test_any_cut_of_a_response_gives_the_same_answer(data: st.DataObject) -> None:
    status = data.draw(st.sampled_from([b"200 OK", b"204 ", b"304 ", b"404 No", b"100 Continue", b"101 Go"]))
    start = data.draw(st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    whole = data.draw(damaged(start + data.draw(message(b"HTTP/1.1 " + status + b"\r\n", []))))
    limit_bytes, is_head = data.draw(st.integers(10, 50)), data.draw(st.booleans())

    def read(pieces: list[bytes]) -> object:
        reader = ResponseReader(limit_bytes, is_head=is_head)
        try:
            for piece in pieces:
                reader.feed(piece)
                if reader.complete:
                    return reader.response
            reader.end()
        except ExchangeFailed as failure:
            return type(failure), str(failure)
        return reader.response

    assert read(data.draw(cut(whole))) == read([whole])
