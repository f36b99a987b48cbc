from __future__ import annotations

import pytest

from sidecar.model.message import Headers, Request, Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols import media

TYPE, CODING, LENGTH = b"content-type", b"content-encoding", media.HEAD_LENGTH


def request(*headers: tuple[bytes, bytes]) -> Request:
    return Request("POST", "/", headers)


@pytest.mark.parametrize(
    ("headers", "media_type"),
    [
        ((), b""),
        (((TYPE, b"application/json"),), b"application/json"),
        (((TYPE, b"Application/JSON; Charset=UTF-8"),), b"application/json"),
        (((TYPE, b'application/json;charset="utf-8";'),), b"application/json"),
        (((TYPE, b"image/png; x=y"), (CODING, b" Identity ")), b"image/png"),
        (((TYPE, b"text/plain; charset=latin-1"),), b"text/plain"),
    ],
)
def test_media_type(headers: Headers, media_type: bytes) -> None:
    assert media.media_type(request(*headers)) == media_type


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        (
            ((TYPE, b"application/json"), (TYPE, b"application/json")),
            "Content-Type is sent twice",
        ),
        (((LENGTH, b"12"),), "binary tensors are not taken; send the tensors as JSON"),
        (((TYPE, b"application/json, text/plain"),), "Content-Type is not a media type"),
        (((TYPE, b""),), "Content-Type is not a media type"),
        (((TYPE, b"json"),), "Content-Type is not a media type"),
        (
            ((TYPE, b"application/json; charset=utf-16"),),
            "JSON is UTF-8: application/json takes no parameter but charset=utf-8",
        ),
    ],
)
def test_media_type_refuses(headers: Headers, message: str) -> None:
    with pytest.raises(Refused) as caught:
        media.media_type(request(*headers))
    assert caught.value.reasons == (Reason("media_type_unsupported", message),)


def test_media_type_of_a_body_with_binary_tensors() -> None:
    said = request((LENGTH, b"12"), (TYPE, b"Application/Octet-Stream"))
    assert media.media_type(said, binary=True) == media.OCTETS


@pytest.mark.parametrize("said", [(), ((TYPE, b"text/plain"),), ((TYPE, b"application/octet-stream"),)])
def test_require_json_takes_nothing_else(said: Headers) -> None:
    with pytest.raises(Refused) as caught:
        media.require_json(request(*said))
    assert caught.value.reasons == (Reason("media_type_unsupported", "Content-Type must be application/json"),)


@pytest.mark.parametrize(
    ("headers", "readable"),
    [
        ((), True),
        (((CODING, b"identity"),), True),
        (((CODING, b"gzip"),), False),
        (((CODING, b"identity"), (CODING, b"gzip")), False),
        (((LENGTH, b"0"),), False),
    ],
)
def test_identity_coded(headers: Headers, readable: bool) -> None:
    assert media.identity_coded(Response(200, headers)) is readable
