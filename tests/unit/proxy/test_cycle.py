from __future__ import annotations

from sidecar.http1.request_reader import Head
from sidecar.http1.rules import Framing
from sidecar.proxy.cycle import ResponseTransport, scope_of
from sidecar.proxy.incoming import EXTENSION, Incoming


def test_the_scope_leaves_the_target_as_it_was_sent() -> None:
    fields = [(b"host", b"a")]
    head = Head(b"GET", b"/a%2F..?b=%20?c", "1.1", fields, Framing(0, False), keep_alive=True)
    incoming = Incoming(head.framing)
    scope = scope_of(head, incoming, scheme="https", client=("10.0.0.1", 5), server=None)
    assert dict(scope) == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "https",
        "client": ("10.0.0.1", 5),
        "server": None,
        "root_path": "",
        "method": "GET",
        "path": "/a%2F..",
        "raw_path": b"/a%2F..",
        "query_string": b"b=%20?c",
        "headers": fields,
        "extensions": {EXTENSION: incoming},
    }


class Connection:
    """Keeps what is written, call by call."""

    def __init__(self) -> None:
        self.calls: list[bytes] = []

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.calls.append(b"<abort>")

    def write(self, data: bytes) -> None:
        self.calls.append(data)

    def writelines(self, parts: tuple[bytes, ...]) -> None:
        self.calls.append(b"".join(parts))


def test_what_is_held_leaves_with_what_is_written_next() -> None:
    connection = Connection()
    transport = ResponseTransport(connection, lambda: None)  # type: ignore[arg-type]
    transport.write(b"100 ")
    transport.hold()
    transport.write(b"head ")
    assert connection.calls == [b"100 "]
    transport.write(b"body")
    transport.write(b" more")
    assert connection.calls == [b"100 ", b"head body", b" more"]


def test_an_empty_body_lets_the_head_go() -> None:
    connection = Connection()
    transport = ResponseTransport(connection, lambda: None)  # type: ignore[arg-type]
    transport.hold()
    transport.write(b"head")
    transport.write(b"")
    assert connection.calls == [b"head"]
