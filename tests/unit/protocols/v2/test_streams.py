from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.message import Response
from sidecar.protocols.base import Call
from sidecar.protocols.strict_json import Malformed
from sidecar.protocols.v2.streams import agreed, documents, fallback_response

if TYPE_CHECKING:
    from collections.abc import Mapping

ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer_stream", "m")


def test_documents() -> None:
    body = b'data: {"a":1}\n\ndata: {"error":"late","a":2}\n\n'
    assert documents(Response(200, (), body)) == [{"a": 1}, {"error": "late", "a": 2}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the stream is not one of JSON objects"),
        (b"data: [1]\n\n", "the stream is not one of JSON objects"),
        (b'data: {"a":1}\n\ndata: {"error":"out of memory"}\n\n', "an event says that the model failed"),
        (b'data: {"a":1,"a":2}\n\n', "an object has a key twice"),
        (b'data: {"a":1}\n\ndata: [DONE]\n\n', "no JSON text (RFC 8259) near character 1"),
        (b'data: {"a":1}', "the stream ends in the middle of a line"),
        (b'{"a":1}\n', "a line is no field of an event stream"),
    ],
)
def test_documents_refuses(body: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        documents(Response(200, (), body))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("events", "members"),
    [
        ([{"a": 1, "b": [1]}], {"a": 1, "b": [1]}),
        ([{"a": 1}, {"a": 1, "b": 2}, {"c": None}], {"a": 1, "b": 2, "c": None}),
        ([{"score": 0.1}, {"score": 0.9}, {"score": 0.1}], {}),
        ([{"t": "Once "}, {"t": "upon"}, {"u": 1}, {"t": ""}], {"t": "Once upon", "u": 1}),
        ([{"t": "a"}, {"t": 1}], {}),
        ([{"t": 1}, {"t": 1}], {"t": 1}),
    ],
)
def test_agreed(events: list[Mapping[str, object]], members: Mapping[str, object]) -> None:
    assert agreed(events, joined=("t",)) == members


def test_fallback_response() -> None:
    answer = b'{"model_name":"m","score":0.5}'
    assert fallback_response(Call(ENDPOINT, 1), {"score": 0.5}) == Response(
        200, ((b"content-type", b"application/json"),), answer
    )
    assert fallback_response(Call(ENDPOINT, 1, stream=True), {"score": 0.5}) == Response(
        200, ((b"content-type", b"text/event-stream; charset=utf-8"),), b"data: " + answer + b"\n\n"
    )


def test_a_fallback_says_the_version_and_the_id_that_the_call_has() -> None:
    call = Call(ENDPOINT._replace(version="3"), 1, id="i")
    assert fallback_response(call, {}).body == b'{"model_name":"m","model_version":"3","id":"i"}'
