from __future__ import annotations

import base64
import json

import pytest

from bench.vegeta import Answer, Target, answers

RATE = 10


def row(
    number: int, sent_s: float, latency_ms: float, status: int = 200, error: str = "", body: bytes = b""
) -> list[str]:
    """As vegeta's CSV encoder writes it."""
    fields = [round(1e18 + sent_s * 1e9), status, round(latency_ms * 1e6), 0, 0]
    return [*map(str, fields), error, base64.b64encode(body).decode(), "", str(number), "POST", "http://x", ""]


def test_a_target_is_a_line_of_json() -> None:
    target = Target("http://x/y", {"A": "b"}, b"\x00body")
    assert json.loads(target.line()) == {
        "method": "POST",
        "url": "http://x/y",
        "header": {"A": ["b"]},
        "body": base64.b64encode(b"\x00body").decode(),
    }


def test_latency_counts_from_when_a_request_was_due() -> None:
    late = row(3, sent_s=0.5, latency_ms=20)  # due after 0.3 s
    found = list(answers([row(0, 0, 10), row(1, 0.1, 10), late], RATE))
    assert [answer.latency_s for answer in found] == pytest.approx([0.01, 0.01, 0.22], abs=1e-6)
    assert [answer.due_s for answer in found] == pytest.approx([0, 0.1, 0.3])


def test_the_first_answer_need_not_be_that_of_the_first_request() -> None:
    found = list(answers([row(1, 0.1, 5), row(0, 0, 300)], RATE))
    assert [answer.latency_s for answer in found] == pytest.approx([0.005, 0.3], abs=1e-6)


def test_a_request_that_was_sent_early_gains_nothing() -> None:
    assert list(answers([row(0, 0, 10), row(5, 0.4, 10)], RATE))[1].latency_s == pytest.approx(0.01)


def test_refusals_keep_their_body_and_failures_their_error() -> None:
    found = list(
        answers([row(0, 0, 1, 200, body=b"big"), row(1, 0.1, 1, 403, "403", b"{}"), row(2, 0.2, 1, 0, "EOF")], RATE)
    )
    assert [(one.status, one.body, one.error) for one in found] == [(200, b"", ""), (403, b"{}", ""), (0, b"", "EOF")]
    assert isinstance(found[0], Answer)
