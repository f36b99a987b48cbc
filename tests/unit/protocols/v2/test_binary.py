from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.model.message import Request, Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.media import JSON, OCTETS, UNSAID
from sidecar.protocols.strict_json import Malformed
from sidecar.protocols.v2.binary import JSON_ONLY, Framing, request_parts, response_parts, tails

if TYPE_CHECKING:
    from sidecar.model.message import Body, Headers

LENGTH = b"inference-header-content-length"
ALL = Framing(json_types=(JSON, UNSAID, OCTETS), binary_types=(JSON, UNSAID, OCTETS), raw=True)
HEADED = Framing(binary_types=(OCTETS, UNSAID))
HEAD = b'{"a":1}'


def request(body: Body, *lengths: bytes, media_type: bytes | None = OCTETS) -> Request:
    said: Headers = () if media_type is None else ((b"content-type", media_type),)
    return Request("POST", "/", (*said, *((LENGTH, length) for length in lengths)), body)


@pytest.mark.parametrize(
    ("message", "framing", "head", "rest"),
    [
        (request(HEAD, media_type=JSON), JSON_ONLY, {"a": 1}, b""),
        (request(HEAD, media_type=JSON), HEADED, {"a": 1}, b""),
        (request(HEAD), ALL, {"a": 1}, b""),
        (request(HEAD, media_type=None), ALL, {"a": 1}, b""),
        (request(HEAD + b"xyz", b"7"), HEADED, {"a": 1}, b"xyz"),
        (request(HEAD + b"xyz", b"7", media_type=None), HEADED, {"a": 1}, b"xyz"),
        (request(HEAD + b"xyz", b"7", media_type=JSON), ALL, {"a": 1}, b"xyz"),
        (request(HEAD + b"  xyz", b"9"), ALL, {"a": 1}, b"xyz"),
        (request(HEAD, b"7"), ALL, {"a": 1}, b""),
        (request(bytearray(HEAD + b"xyz"), b"7"), ALL, {"a": 1}, b"xyz"),
        (request(HEAD, b"0"), ALL, None, HEAD),
    ],
)
def test_request_parts(message: Request, framing: Framing, head: dict[str, object] | None, rest: bytes) -> None:
    assert request_parts(message, framing) == (head, memoryview(rest))


def test_the_rest_is_a_view_of_the_body() -> None:
    body = bytearray(HEAD + b"xyz")
    _, rest = request_parts(request(body, b"7"), ALL)
    assert rest.obj is body


DIGITS = Reason("body_malformed", "Inference-Header-Content-Length is not one number in plain digits")
JSON_TYPE = Reason("media_type_unsupported", "Content-Type must be application/json")


@pytest.mark.parametrize(
    ("message", "framing", "reason"),
    [
        *(
            (request(HEAD, length), ALL, DIGITS)
            for length in (b"", b"+7", b"-7", b"07", b"7 ", b" 7", b"7.0", b"7x", b"0x7", b"7,7", b"\xb7", b"1" * 19)
        ),
        (request(HEAD, b"7", b"7"), ALL, DIGITS),
        (request(HEAD, b"0", b"7"), ALL, DIGITS),
        (
            request(HEAD, b"8"),
            ALL,
            Reason("body_malformed", "Inference-Header-Content-Length is more than the body has"),
        ),
        (
            request(HEAD, b"6"),
            ALL,
            Reason("body_malformed", "the body cannot be read: no JSON text (RFC 8259) near character 6"),
        ),
        (request(b"[1]xyz", b"3"), ALL, Reason("body_malformed", "the body is not a JSON object")),
        (request(b"", b"0"), ALL, Reason("body_malformed", "the body is empty")),
        (
            request(HEAD, b"0"),
            HEADED,
            Reason("media_type_unsupported", "raw input is not taken: Inference-Header-Content-Length is 0"),
        ),
        *(
            (
                request(HEAD, length, media_type=JSON),
                JSON_ONLY,
                Reason("media_type_unsupported", "binary tensors are not taken; send the tensors as JSON"),
            )
            for length in (b"7", b"0")
        ),
        (request(HEAD), JSON_ONLY, JSON_TYPE),
        (request(HEAD, media_type=None), HEADED, JSON_TYPE),
        # KServe reads what says JSON as JSON, and passes over the header.
        (
            request(HEAD + b"xyz", b"7", media_type=JSON),
            HEADED,
            Reason("media_type_unsupported", "Content-Type must be application/octet-stream"),
        ),
        (
            request(HEAD, media_type=b"text/plain"),
            ALL,
            Reason("media_type_unsupported", "Content-Type must be application/json or application/octet-stream"),
        ),
        (
            request(HEAD, b"7", media_type=b"application/json;charset=utf-16"),
            ALL,
            Reason("media_type_unsupported", "JSON is UTF-8: application/json takes no parameter but charset=utf-8"),
        ),
    ],
)
def test_request_parts_refuses(message: Request, framing: Framing, reason: Reason) -> None:
    with pytest.raises(Refused) as caught:
        request_parts(message, framing)
    assert caught.value.reasons == (reason,)


def answer(body: bytes, *lengths: bytes) -> Response:
    return Response(200, tuple((LENGTH, length) for length in lengths), body)


def test_response_parts() -> None:
    assert response_parts(answer(HEAD)) == ({"a": 1}, memoryview(b""))
    assert response_parts(answer(HEAD + b"xyz", b"7")) == ({"a": 1}, memoryview(b"xyz"))


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (answer(HEAD, b"0"), "it has no JSON head"),
        (answer(HEAD, b"7", b"7"), DIGITS.message),
        (answer(HEAD, b"+7"), DIGITS.message),
        (answer(HEAD, b"8"), "Inference-Header-Content-Length is more than the body has"),
        (answer(HEAD + b"xyz"), "no JSON text (RFC 8259) near character 7"),
    ],
)
def test_response_parts_refuses(response: Response, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        response_parts(response)
    assert str(caught.value) == message


def sized(size: object, **more: object) -> dict[str, object]:
    return {"parameters": {"binary_data_size": size}, **more}


@pytest.mark.parametrize(
    ("tensors", "rest", "found"),
    [
        ([], b"", []),
        ([{}], b"", [None]),
        ([sized(2), {"data": [1]}, sized(0), sized(3)], b"abcde", [b"ab", None, b"", b"cde"]),
        ([{"parameters": None, "data": []}, sized(1)], b"a", [None, b"a"]),
    ],
)
def test_tails(tensors: list[object], rest: bytes, found: list[bytes | None]) -> None:
    assert tails(tensors, memoryview(rest)) == found


UNFILLED = "binary_data_size: all of them together are not the length of what follows the JSON head"
SIZE = "binary_data_size is not an integer from 0"


@pytest.mark.parametrize(
    ("tensors", "rest", "message"),
    [
        ([], b"a", UNFILLED),
        ([{"data": [1]}], b"a", UNFILLED),
        ([sized(1)], b"", UNFILLED),
        ([sized(1)], b"ab", UNFILLED),
        ([sized(2), sized(2)], b"abc", UNFILLED),
        ([sized(2**64 - 1)], b"abc", UNFILLED),
        ([sized(-1)], b"", SIZE),
        ([sized("1")], b"a", SIZE),
        ([sized(1.0)], b"a", SIZE),
        ([sized(True)], b"a", SIZE),
        ([sized(None)], b"", SIZE),
        ([sized(1, data=[1])], b"a", "a tensor has both data and binary_data_size"),
        ([sized(0, data=None)], b"", "a tensor has both data and binary_data_size"),
    ],
)
def test_tails_refuses(tensors: list[object], rest: bytes, message: str) -> None:
    with pytest.raises(Malformed) as caught:
        tails(tensors, memoryview(rest))
    assert str(caught.value) == message
