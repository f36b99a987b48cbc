from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.message import Response
from sidecar.proxy.client import StreamingClient

if TYPE_CHECKING:
    from collections.abc import MutableMapping

pytestmark = pytest.mark.anyio

START = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


def body(part: bytes) -> dict[str, Any]:
    return {"type": "http.response.body", "body": part, "more_body": True}


class Sent(list["MutableMapping[str, Any]"]):
    """What the server was told, in order."""

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.append(message)


async def test_a_stream_is_told_part_by_part() -> None:
    sent = Sent()
    client = StreamingClient(sent.send)
    assert not client.begun
    await client.begin(Response(200, ((b"content-type", b"text/event-stream"),)))
    assert client.begun
    assert sent == [START, body(b"")]  # the head does not wait for the first part
    await client.part(b"data: 1\n\n")
    await client.part(b"data: 2\n\n")
    assert sent[2:] == [body(b"data: 1\n\n"), body(b"data: 2\n\n")]


async def test_only_the_end_is_the_end() -> None:
    sent = Sent()
    client = StreamingClient(sent.send)
    await client.begin(Response(200))
    assert all(message.get("more_body", True) for message in sent)
    await client.end()
    assert sent[-1] == {"type": "http.response.body", "body": b""}


async def test_fields_of_the_upstreams_connection_stay_there() -> None:
    sent = Sent()
    fields = (
        (b"content-length", b"9"),
        (b"transfer-encoding", b"chunked"),
        (b"connection", b"close"),
        (b"content-type", b"text/event-stream"),
    )
    await StreamingClient(sent.send).begin(Response(200, fields))
    assert sent[0] == START


async def test_a_client_whose_head_failed_counts_as_begun() -> None:
    async def fail(_: object) -> None:
        raise ConnectionResetError

    client = StreamingClient(fail)
    with pytest.raises(ConnectionResetError):
        await client.begin(Response(200))
    assert client.begun  # nobody knows what it has: no other answer may follow
