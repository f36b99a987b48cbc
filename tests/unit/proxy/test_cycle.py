from __future__ import annotations

from sidecar.http1.request_reader import Head
from sidecar.http1.rules import Framing
from sidecar.proxy.cycle import scope_of
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
