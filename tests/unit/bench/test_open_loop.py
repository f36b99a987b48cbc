from __future__ import annotations

import io
import itertools
import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bench.open_loop.calls import BAD, PATHS, UNKNOWN_DATA, Call, calls, spoiled
from bench.open_loop.live import line, shown
from bench.open_loop.outcome import outcome, reasons
from bench.open_loop.report import as_json, draw, markdown
from bench.vegeta import Answer

if TYPE_CHECKING:
    from pathlib import Path

CALL = Call("http://x/", "v2", "credit", ["d1", "d2"], "scoring", ["h.p.s1", "h.p.s2", "h.p.s3"], {"X-Group": "a"})
PROBLEM = json.dumps({"reasons": [{"code": "data_stale"}, {"code": "consent_revoked"}]}).encode()


def answer(number: int, latency_ms: float = 10.0, status: int = 200, body: bytes = b"", error: str = "") -> Answer:
    return Answer(number, number / 10, latency_ms / 1e3, status, error, body)


@pytest.mark.parametrize(("protocol", "path"), [(name, path.format(model="credit")) for name, path in PATHS.items()])
def test_a_good_call_is_one_of_its_protocol(protocol: str, path: str) -> None:
    target = Call("http://x", protocol, "credit", [], "scoring").target(0)
    assert target.url == f"http://x{path}"
    assert {key for key in json.loads(target.body) if key in {"inputs", "instances"}} != set()


def test_tokens_and_data_versions_take_turns() -> None:
    sent = [CALL.target(number).headers for number in range(6)]
    assert [headers["X-Consent-Token"] for headers in sent] == ["h.p.s1", "h.p.s2", "h.p.s3"] * 2
    assert [headers["X-Data-Version"] for headers in sent] == ["d1", "d2"] * 3
    assert sent[0]["X-Group"] == "a"


@pytest.mark.parametrize("kind", BAD)
def test_each_kind_of_bad_call_has_one_thing_wrong(kind: str) -> None:
    good = CALL.target(0)
    bad = spoiled(good, kind)
    changed = {name for name in good.headers if bad.headers.get(name) != good.headers[name]}
    assert len(changed) + (bad.body != good.body) == 1
    assert bad.url == good.url


def test_a_kind_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no such kind"):
        spoiled(CALL.target(0), "worse")


def test_the_share_of_bad_calls_is_about_what_was_asked_and_the_same_each_time() -> None:
    sent = list(itertools.islice(calls(CALL, 0.2, ["unknown-data"]), 2_000))
    bad = sum(target.headers["X-Data-Version"] == UNKNOWN_DATA for target in sent)
    assert 320 < bad < 480
    assert sent == list(itertools.islice(calls(CALL, 0.2, ["unknown-data"]), 2_000))


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (answer(0), []),
        (answer(0, status=403, body=PROBLEM), ["data_stale", "consent_revoked"]),
        (answer(0, status=502, body=b"<html>"), ["status 502"]),
        (answer(0, status=500, body=b"[]"), ["status 500"]),
        (answer(0, status=0, error="EOF"), ["no answer: EOF"]),
    ],
)
def test_reasons_are_those_of_the_refusal(told: Answer, found: list[str]) -> None:
    assert reasons(told) == found


def test_an_outcome_counts_latencies_statuses_and_reasons() -> None:
    found = outcome([*(answer(n, n + 1.0) for n in range(99)), answer(99, 1000.0, 403, PROBLEM)])
    assert found.latency_ms == pytest.approx({"p50": 50, "p90": 90, "p99": 99, "p99.9": 1000, "p99.99": 1000})
    assert (found.requests, found.highest_ms) == (100, pytest.approx(1000))
    assert found.statuses == {"200": 99, "403": 1}
    assert found.reasons == {"data_stale": 1, "consent_revoked": 1}
    assert found.answered_per_s == pytest.approx(100 / 10.9)


def test_what_is_shown_meanwhile_passes_every_answer_on() -> None:
    stream = io.StringIO()
    sent = [answer(n, status=403, body=PROBLEM) for n in range(3)]
    assert list(shown(sent, 3, stream)) == sent
    assert stream.getvalue().startswith("load: 3 of 3; p50 10.0 ms, p99 10.0 ms; refused: ")
    assert line(1, 2, [1.0], Counter()) == "load: 1 of 2; p50 1.0 ms, p99 1.0 ms; refused: none"


def test_the_report_is_for_people_and_for_programs(tmp_path: Path) -> None:
    answers = [answer(n, n + 1.0) for n in range(20)]
    text = markdown(outcome(answers), "bench/load URL", 10)
    assert "| 20 | 10 |" in text
    assert "refused for" not in text
    assert json.loads(as_json(outcome(answers), "bench/load URL", 10))["rate_per_s"] == 10
    draw(answers, tmp_path / "load.svg")
    assert (tmp_path / "load.svg").read_bytes().startswith(b"<?xml")
