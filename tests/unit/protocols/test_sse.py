from __future__ import annotations

import pytest

from sidecar.protocols import sse
from sidecar.protocols.strict_json import Malformed


@pytest.mark.parametrize(
    ("body", "data"),
    [
        (b"", []),
        (b"\n\n", []),
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', [b'{"a":1}', b"[DONE]"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a: b\n\n", [b"a: b"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
        (b"data: a\rdata: b\r\r", [b"a\nb"]),
        (b"data: a\n\r\ndata: b\r\n\n", [b"a", b"b"]),
        (b"data\n\n", [b""]),
        (b"data:\ndata\n\n", [b"\n"]),
        (b": ping\n\ndata: a\n: ping\n\n: bye\n", [b"a"]),
        (b"event: message\nid: 7\nretry: 10\ndata: a\n\n", [b"a"]),
        (b"event\ndata: a\n\n", [b"a"]),
        (b"id: 7\n\n", []),
        # What other splitters take for the end of a line.
        ("data: a\u2028b\u0085\x0b\x0c\x1c\n\n".encode(), ["a\u2028b\u0085\x0b\x0c\x1c".encode()]),
    ],
)
def test_events(body: bytes, data: list[bytes]) -> None:
    assert sse.events(body) == data
    assert sse.events(bytearray(body)) == data


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"\xef\xbb\xbfdata: a\n\n", "the stream begins with a byte order mark"),
        ("data: a\n\n".encode("utf-16-be"), "a line is no field of an event stream"),
        (b"data: a\xff\n\n", "the stream is not UTF-8 near byte 7"),
        (b": \xff\n\n", "the stream is not UTF-8 near byte 2"),
        (b"data: a", "the stream ends in the middle of a line"),
        (b"data: a\n\ndata: b", "the stream ends in the middle of a line"),
        (b": ping", "the stream ends in the middle of a line"),
        (b"data: a\n\ndata: b\n", "the stream ends in the middle of an event"),
        (b"data: a\n\nid: 7\n", "the stream ends in the middle of an event"),
        (b"data: a\nevent: error\n\n", "an event has a name: not every client reads such"),
        (b" data: a\n\n", "a line is no field of an event stream"),
        (b"Data: a\n\n", "a line is no field of an event stream"),
        (b'{"error":"no"}\n', "a line is no field of an event stream"),
        (b"\n" * (sse.MAX_LINES + 1), "the stream has more than 524288 lines"),
    ],
)
def test_events_refuses(body: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        sse.events(body)
    assert (str(caught.value), caught.value.__cause__) == (message, None)


def test_the_most_lines() -> None:
    assert sse.events(b"data:\n\n" * (sse.MAX_LINES // 2)) == [b""] * (sse.MAX_LINES // 2)


def test_an_event_is_read_as_it_was_written() -> None:
    assert sse.events(sse.event(b'{"a":1}') + sse.event(b"[DONE]")) == [b'{"a":1}', b"[DONE]"]
