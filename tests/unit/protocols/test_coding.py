from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.model.message import Headers, Request, Response
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.coding import DEFLATE, GZIP, acceptable, readable_request, readable_response

CODING = b"content-encoding"
OTHER = (b"x", b"y")
BOTH = frozenset({GZIP, DEFLATE})
ENCODE = {GZIP: gzip.compress, DEFLATE: zlib.compress}
ZIPPED = gzip.compress(b"{}", mtime=0)  # the same whenever it is made: it is in names of tests


def raw_deflate(content: bytes) -> bytes:
    coder = zlib.compressobj(wbits=-15)
    return coder.compress(content) + coder.flush()


def coded(body: bytes, *codings: bytes) -> Request:
    return Request("POST", "/", (OTHER, *((CODING, coding) for coding in codings)), body)


def refusal(request: Request, codings: frozenset[bytes] = BOTH, limit_bytes: int = 100) -> Reason:
    with pytest.raises(Refused) as caught:
        readable_request(request, codings, limit_bytes)
    (reason,) = caught.value.reasons
    return reason


@pytest.mark.parametrize("codings", [(), (b"identity",)])
def test_an_uncoded_request_is_itself(codings: tuple[bytes, ...]) -> None:
    request = coded(b"{}", *codings)
    assert readable_request(request, frozenset(), 1) is request


@given(st.sampled_from([GZIP, DEFLATE]), st.binary(max_size=100))
def test_a_coded_request_is_read_as_what_it_holds(coding: bytes, content: bytes) -> None:
    request = coded(ENCODE[coding](content), coding)
    assert readable_request(request, BOTH, 100) == Request("POST", "/", (OTHER,), content)


@pytest.mark.parametrize(
    ("said", "codings"),
    [
        ((b"gzip",), frozenset()),
        ((b"deflate",), frozenset({GZIP})),
        ((b"br",), BOTH),
        ((b"x-gzip",), BOTH),
        ((b"gzip, gzip",), BOTH),
        ((b"GZIP",), BOTH),
        ((b"Identity",), BOTH),
        ((b"gzip", b"identity"), BOTH),
        ((b"identity", b"identity"), BOTH),
        ((b"",), BOTH),
    ],
)
def test_codings_that_the_model_server_might_not_undo(said: tuple[bytes, ...], codings: frozenset[bytes]) -> None:
    assert refusal(coded(ZIPPED, *said), codings).code == "media_type_unsupported"


@pytest.mark.parametrize(
    ("coding", "body", "message"),
    [
        (GZIP, b"", "its gzip data ends early"),
        (GZIP, b"{}", "it is no gzip data"),
        (GZIP, ZIPPED[:-1], "its gzip data ends early"),
        (GZIP, ZIPPED + b"\0", "something follows its gzip data"),
        (GZIP, ZIPPED * 2, "something follows its gzip data"),
        (GZIP, zlib.compress(b"{}"), "it is no gzip data"),
        (DEFLATE, raw_deflate(b"{}"), "it is no deflate data"),
        (DEFLATE, ZIPPED, "it is no deflate data"),
        (DEFLATE, zlib.compress(b"{}") + b"{}", "something follows its deflate data"),
    ],
)
def test_what_two_servers_could_read_in_two_ways(coding: bytes, body: bytes, message: str) -> None:
    assert refusal(coded(body, coding)) == Reason("body_malformed", f"the body: {message}")


@given(st.sampled_from([GZIP, DEFLATE]), st.integers(1, 3000))
def test_the_limit_is_of_what_is_decoded(coding: bytes, size_bytes: int) -> None:
    request = coded(ENCODE[coding](b"0" * size_bytes), coding)
    assert len(readable_request(request, BOTH, size_bytes).body) == size_bytes
    assert refusal(request, limit_bytes=size_bytes - 1).code == "body_too_large"


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    assert refusal(coded(bomb, GZIP), limit_bytes=1_000) == Reason(
        "body_too_large", "the body: decoded, it is over the limit"
    )


def answer(body: bytes, *codings: bytes) -> Response:
    return Response(200, tuple((CODING, coding) for coding in codings), body)


def test_answers() -> None:
    plain = answer(b"{}", b"identity")
    assert readable_response(plain, 10) is plain
    for coding in (GZIP, DEFLATE):
        assert readable_response(answer(ENCODE[coding](b"{}"), coding), 10) == Response(200, (), b"{}")


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (answer(b"{}", b"br"), "its content coding is not one that is read"),
        (answer(b"{}", b"gzip", b"gzip"), "its content coding is not one that is read"),
        (answer(b"{}", b"gzip"), "it is no gzip data"),
        (answer(gzip.compress(bytes(11)), b"gzip"), "decoded, it is over the limit"),
    ],
)
def test_answers_that_cannot_be_read(response: Response, why: str) -> None:
    with pytest.raises(Refused) as caught:
        readable_response(response, 10)
    assert caught.value.reasons == (Reason("prediction_unreadable", f"the model's answer cannot be read: {why}"),)


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ([], b"identity"),
        ([b"gzip"], b"gzip"),
        ([b"br, GZIP;q=0.5 , deflate"], b"gzip, deflate"),
        ([b"deflate", b"gzip"], b"deflate, gzip"),
        ([b"gzip, gzip"], b"gzip"),
        ([b"gzip;q=0, deflate;q=0.000"], b"identity"),
        ([b"gzip; q=0.001"], b"gzip"),
        ([b"*"], b"identity"),
        ([b"br, zstd, identity"], b"identity"),
    ],
)
def test_only_codings_that_can_be_read_are_asked_for(said: list[bytes], asked: bytes) -> None:
    headers: Headers = tuple((b"accept-encoding", value) for value in said)
    assert acceptable(headers) == asked
