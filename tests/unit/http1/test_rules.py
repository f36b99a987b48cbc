from __future__ import annotations

import pytest

from sidecar.http1.rules import ALLOW, Framing, end_to_end, judge_request, response_fault
from sidecar.model.reasons import CATALOGUE, Reason

HOST = (b"host", b"a")


@pytest.mark.parametrize(
    ("method", "version", "fields", "framing"),
    [
        (b"GET", "1.1", [HOST], Framing(0, False)),
        (b"GET", "1.0", [HOST], Framing(0, False)),
        (b"POST", "1.1", [HOST, (b"content-length", b"12")], Framing(12, False)),
        (b"POST", "1.1", [(b"transfer-encoding", b"Chunked"), HOST], Framing(None, False)),
        (b"PUT", "1.1", [HOST, (b"content-length", b"1"), (b"expect", b"100-Continue")], Framing(1, True)),
        (b"PUT", "1.0", [HOST, (b"content-length", b"1"), (b"expect", b"100-continue")], Framing(1, False)),
        (b"GET", "1.1", [(b"host", b"[::1]:80"), (b"upgrade", b"h2c"), (b"x", b"")], Framing(0, False)),
    ],
)
def test_accepted(method: bytes, version: str, fields: list[tuple[bytes, bytes]], framing: Framing) -> None:
    assert judge_request(method, b"/a?b", version, fields) == framing


@pytest.mark.parametrize(
    ("method", "target", "version", "fields", "code"),
    [
        (b"GET", b"/", "2.0", [HOST], "http_malformed"),
        (b"GET", b"/", "0.9", [HOST], "http_malformed"),
        (b"TRACE", b"/", "1.1", [HOST], "method_not_allowed"),
        (b"CONNECT", b"a:1", "1.1", [HOST], "method_not_allowed"),
        (b"GET", b"a", "1.1", [HOST], "http_malformed"),
        (b"GET", b"/\x7f", "1.1", [HOST], "http_malformed"),
        (b"GET", b"/" * 8_193, "1.1", [HOST], "headers_too_large"),
        (b"GET", b"/", "1.1", [], "http_malformed"),
        (b"GET", b"/", "1.1", [HOST, HOST], "http_malformed"),
        (b"GET", b"/", "1.1", [HOST, (b"x", b"\x80")], "http_malformed"),
        (b"PUT", b"/", "1.1", [HOST, (b"content-length", b"0" * 20 + b"3")], "http_malformed"),
        (b"PUT", b"/", "1.1", [HOST, (b"content-length", b"0" * 5_000)], "http_malformed"),
        (b"GET", b"/", "1.0", [HOST, (b"transfer-encoding", b"chunked")], "http_malformed"),
        (b"GET", b"/", "1.1", [HOST, (b"upgrade", b"a"), (b"upgrade", b"websocket")], "http_malformed"),
    ],
)
def test_refused(method: bytes, target: bytes, version: str, fields: list[tuple[bytes, bytes]], code: str) -> None:
    judged = judge_request(method, target, version, fields)
    assert isinstance(judged, Reason)
    assert judged.code == code
    assert code in CATALOGUE


def test_a_refusal_echoes_nothing() -> None:
    marks = [(b"host", b"mark-mark"), (b"host", b"mark-mark")]
    for judged in (
        judge_request(b"GET", b"/mark-mark#", "1.1", marks),
        judge_request(b"GET", b"/", "1.1", marks),
    ):
        assert isinstance(judged, Reason)
        assert "mark" not in judged.message


def test_allow_lists_methods() -> None:
    assert ALLOW == ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def test_fields_about_the_connection_stay_here() -> None:
    fields = [
        (b"te", b"trailers"),
        (b"x-kept", b"1"),
        (b"x-named", b"2"),
        (b"connection", b"close, X-Named \t,,"),
        (b"x-other", b"3"),
        (b"connection", b"x-other"),
        (b"keep-alive", b"timeout=5"),
        (b"proxy-authorization", b"Basic x"),
        (b"upgrade", b"h2c"),
        (b"expect", b"100-continue"),
        (b"transfer-encoding", b"chunked"),
    ]
    assert end_to_end(fields) == ((b"x-kept", b"1"),)
    assert end_to_end([HOST, (b"connection", b"keep-alive")]) == (HOST,)


@pytest.mark.parametrize("status", [200, 204, 301, 404, 599])
def test_responses_accepted(status: int) -> None:
    assert response_fault("1.1", status, [(b"transfer-encoding", b"chunked"), (b"x", b"\xff")]) is None


@pytest.mark.parametrize("status", [0, 101, 199, 600, 999])
def test_responses_refused(status: int) -> None:
    assert response_fault("1.1", status, []) is not None


def test_responses_of_other_versions_are_refused() -> None:
    assert [v for v in ("0.9", "1.0", "1.1", "2.0") if response_fault(v, 200, []) is None] == ["1.0", "1.1"]
