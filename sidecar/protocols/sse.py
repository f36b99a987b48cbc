"""Server-sent events (WHATWG HTML, section 9.2), of a whole body: a stream that is judged is judged whole.

Stricter than a browser where clients differ: what one of them reads and another passes over is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.model.message import Response
from sidecar.protocols.strict_json import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.model.message import Body

MEDIA_TYPE = b"text/event-stream"

MAX_LINES = 524_288
"""An event has two or more, and is a token mostly. In memory, a line of `data:` alone takes ten times its six bytes."""

# Section 9.2.5: a line ends at CRLF, LF or CR, and nowhere else.
_LINE = re.compile(rb"([^\r\n]*+)(?:\r\n|\n|\r)")

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MEANINGLESS = (b"id", b"retry")
"""Fields for a client that connects anew: they say nothing of what was answered."""


def events(body: Body) -> list[bytes]:
    """The data of each event, in order: UTF-8, its lines joined by `\\n`.

    Raises `Malformed`, also where the last event is not ended by an empty line: a browser drops such an event, and a
    stream that was cut off has one.
    """
    found: list[bytes] = []
    data: list[bytes] = []
    open_event = False
    for line in _lines(body):
        if line:
            open_event |= _take(line, data)
            continue
        if data:
            found.append(b"\n".join(data))
        data, open_event = [], False
    if open_event:
        raise Malformed("the stream ends in the middle of an event")
    return found


def event(data: bytes) -> bytes:
    """One event; `data` is of one line, as JSON from orjson is."""
    return b"data: " + data + b"\n\n"


def response(stream: bytes) -> Response:
    """A 200 of ours with these events."""
    return Response(200, ((b"content-type", MEDIA_TYPE + b"; charset=utf-8"),), stream)


def _lines(body: Body) -> Iterator[bytes]:
    if body.startswith(_BYTE_ORDER_MARK):
        raise Malformed("the stream begins with a byte order mark")
    try:
        str(body, "utf-8")
    except UnicodeDecodeError as error:
        # The cause holds the whole body: it must not travel with the message.
        raise Malformed(f"the stream is not UTF-8 near byte {error.start}") from None
    if body and body[-1] not in b"\r\n":
        raise Malformed("the stream ends in the middle of a line")
    for number, line in enumerate(_LINE.finditer(body)):
        if number == MAX_LINES:
            raise Malformed(f"the stream has more than {MAX_LINES} lines")
        yield line[1]


def _take(line: bytes, data: list[bytes]) -> bool:
    """Adds a line's data; whether the line belongs to an event (a comment does not)."""
    name, _, value = line.partition(b":")
    value = value.removeprefix(b" ")
    if name == b"data":
        data.append(value)
    elif name == b"event":
        if value not in (b"", b"message"):
            raise Malformed("an event has a name: not every client reads such")
    elif name and name not in _MEANINGLESS:
        raise Malformed("a line is no field of an event stream")
    return bool(name)
