"""The tap: what it carries is what it tells."""

from __future__ import annotations

import socket

from tests.process import fetch
from tests.servers.tap import tapped
from tests.upstream import recording_server


def test_it_carries_and_remembers_what_goes_to_the_server() -> None:
    with recording_server() as server, tapped(server.url) as tap:
        answer = fetch(f"{tap.url}/v2/models/credit/infer", b"0123456789" * 100_000)
        assert answer.json["model_name"] == "credit"
        [(path, _, body)] = server.received
        assert path == "/v2/models/credit/infer"
        assert bytes(tap.sent).startswith(b"POST /v2/models/credit/infer HTTP/1.1\r\n")
        assert bytes(tap.sent).endswith(b"\r\n\r\n" + body)


def test_it_ends_with_its_block() -> None:
    with recording_server() as server, tapped(server.url) as tap:
        host, _, port = tap.url.removeprefix("http://").rpartition(":")
    with socket.socket() as client:
        assert client.connect_ex((host, int(port))) != 0
