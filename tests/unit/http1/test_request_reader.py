"""Details of reading requests; the corpus of hostile ones is in `tests/unit/proxy/test_server.py`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httptools
import pytest

from sidecar.http1.request_reader import Head, RequestReader, Violation
from sidecar.http1.rules import Framing

if TYPE_CHECKING:
    from sidecar.model.reasons import Reason

HEAD = b"POST /a HTTP/1.1\r\nHost: a\r\n"


class Told:
    """A sink that writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def head_read(self, head: Head) -> Reason | None:
        self.events.append(head)
        return None

    def body_read(self, part: bytes) -> None:
        self.events.append(part)

    def request_read(self) -> None:
        self.events.append("end")


def reader(told: Told | None = None) -> RequestReader:
    return RequestReader(told or Told(), section_limit_bytes=200, count_limit=5)


def head(method: bytes, target: bytes, fields: list[tuple[bytes, bytes]], length_bytes: int | None) -> Head:
    return Head(method, target, "1.1", fields, Framing(length_bytes, expects_continue=False), keep_alive=True)


def test_what_is_told_in_what_order() -> None:
    told = Told()
    reading = reader(told)
    reading.feed(HEAD + b"Content-Length: 4\r\n\r\nab")
    assert (reading.in_head, reading.in_body) == (False, True)
    reading.feed(b"cdGET /b HTTP/1.1\r\nHo")
    assert (reading.in_head, reading.in_body) == (True, False)
    reading.feed(b"st: a\r\n\r\n")
    assert (reading.in_head, reading.in_body) == (False, False)
    assert told.events == [
        head(b"POST", b"/a", [(b"host", b"a"), (b"content-length", b"4")], 4),
        b"ab",
        b"cd",
        "end",
        head(b"GET", b"/b", [(b"host", b"a")], 0),
        "end",
    ]


def test_trailers_count_but_are_not_told() -> None:
    told = Told()
    start = HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n"
    reader(told).feed(start + b"X-T: y\r\n\r\n")
    assert told.events == [
        head(b"POST", b"/a", [(b"host", b"a"), (b"transfer-encoding", b"chunked")], None),
        b"a",
        "end",
    ]
    with pytest.raises(Violation) as caught:
        reader().feed(start + b"X-T: " + b"y" * 180 + b"\r\n\r\n")
    assert caught.value.reason.code == "headers_too_large"


@pytest.mark.parametrize(
    ("fields", "passes"),
    [
        (b"X: y\r\n" * 4, True),
        (b"X: y\r\n" * 5, False),
        (b"X: " + b"y" * 180, True),
        (b"X: " + b"y" * 190, False),
    ],
)
def test_limits_of_the_section(fields: bytes, passes: bool) -> None:
    data = HEAD + fields.removesuffix(b"\r\n") + b"\r\n\r\n"
    if passes:
        reader().feed(data)
        return
    with pytest.raises(Violation) as caught:
        reader().feed(data)
    assert caught.value.reason.code == "headers_too_large"


def test_what_has_no_end_is_refused() -> None:
    reading = reader()
    reading.feed(HEAD + b"X: ")
    for _ in range(200):
        reading.feed(b" ")
    with pytest.raises(Violation):
        reading.feed(b" ")


def test_what_is_known_of_a_refused_head() -> None:
    reading = reader()
    with pytest.raises(Violation):
        reading.feed(HEAD + b"X: \xff\r\n\r\n")
    fields = [(b"host", b"a"), (b"x", b"\xff")]
    assert reading.refused_head() == Head(b"POST", b"/a", "1.1", fields, None, keep_alive=False)
    reading = reader()
    with pytest.raises(Violation):
        reading.feed(HEAD + b"X: y\r\nBad : z\r\n\r\n")
    assert reading.refused_head() == Head(b"", b"", "1.1", [], None, keep_alive=False)


def test_a_defect_of_the_sink_is_not_taken_for_a_violation() -> None:
    class Defective(Told):
        def body_read(self, part: bytes) -> None:
            raise KeyError(part)

    with pytest.raises(httptools.HttpParserCallbackError):
        reader(Defective()).feed(HEAD + b"Content-Length: 1\r\n\r\na")
