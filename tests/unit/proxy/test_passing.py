"""Streams through a whole exchange: passed on as they come, judged as a whole, or refused; never half-judged."""

from __future__ import annotations

import asyncio
import copy
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.salts import Salts
from sidecar.model.message import Request, Response
from sidecar.model.refusal import refused
from tests.lab import DATA, Lab, infer, lab

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

EVENTS = (b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"0."}}]}\n\n', b"data: [DO", b"NE]\n\n")
HEAD = Response(200, ((b"content-type", b"text/event-stream"),))
JUDGED = ("fairness_band", "group_mean_band", "disparate_impact", "explanation")


def data_with(*, stream: str | None = None, mode: str = "off") -> dict[str, Any]:
    changed = copy.deepcopy(DATA)
    model = changed["models"]["credit"]
    model["rules"] |= dict.fromkeys(JUDGED, mode)
    if stream is not None:
        model["stream"] = stream
    return changed


def chat(*, stream: bool = True) -> Request:
    body = {"model": "credit", "stream": stream, "messages": [{"role": "user", "content": "?"}]}
    return infer(path="/v1/chat/completions", body=json.dumps(body).encode())


@dataclass
class Reader:
    """A client that keeps what it gets; with a `gate`, it takes no part before that is set."""

    gate: asyncio.Event | None = None
    head: Response | None = None
    parts: list[bytes] = field(default_factory=list[bytes])
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def begin(self, head: Response) -> None:
        self.head = head

    async def part(self, part: bytes) -> None:
        self.reached.set()
        if self.gate is not None:
            await self.gate.wait()
        self.parts.append(part)


def streaming(it: Lab, *parts: bytes | BaseException, head: Response = HEAD) -> None:
    it.upstream.answer = head
    it.upstream.parts = parts


async def test_a_stream_is_passed_on_where_no_rule_judges_answers(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, *EVENTS)
        client = Reader()
        assert await it.exchange.handle(chat(), client) is None
        assert client.parts == list(EVENTS)
        assert client.head is not None
        headers = dict(client.head.headers)
        assert (client.head.status, headers[b"content-type"]) == (200, b"text/event-stream")
        outcome = it.records()[-1]
        assert headers[b"x-decision-id"].decode() == outcome["decision_id"]
        assert it.kinds() == ["INTENT", "OUTCOME released"]
        assert outcome["response_digest"] == Salts(it.audit_dir, it.clock).current().digest(b"".join(EVENTS))
        assert (outcome["decision"], outcome["input"], outcome["status"]) == (None, None, 200)
        assert it.observer.finished_cases[0][1] == 200
        assert it.window.seen == []


async def test_the_outcome_waits_for_the_last_part(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, *EVENTS)
        client = Reader(gate=asyncio.Event())
        task = asyncio.create_task(it.exchange.handle(chat(), client))
        await client.reached.wait()
        assert it.kinds() == ["INTENT"]
        client.gate.set()  # type: ignore[union-attr]
        await task
        assert it.kinds() == ["INTENT", "OUTCOME released"]


@pytest.mark.parametrize("code", ["upstream_malformed", "upstream_timeout"])
async def test_a_stream_that_breaks_off_is_on_record_as_failed(tmp_path: Path, code: str) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, EVENTS[0], refused(code, "x"))
        client = Reader()
        response = await it.exchange.handle(chat(), client)
        assert response is not None
        assert response.status >= 500
        assert client.parts == [EVENTS[0]]
        outcome = it.records()[-1]
        assert it.kinds() == ["INTENT", "OUTCOME failed"]
        assert [reason["code"] for reason in outcome["decision"]["reasons"]] == [code]
        assert outcome["status"] == 200  # what the client read of it
        assert outcome["response_digest"] == Salts(it.audit_dir, it.clock).current().digest(EVENTS[0])


async def test_a_client_that_leaves_a_stream_leaves_an_aborted_outcome(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, *EVENTS)
        client = Reader(gate=asyncio.Event())
        task = asyncio.create_task(it.exchange.handle(chat(), client))
        await client.reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert it.kinds() == ["INTENT", "OUTCOME aborted"]


async def test_an_error_in_place_of_a_stream_is_answered_whole(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, b'{"error":', b'"no"}', head=Response(429))
        client = Reader()
        response = await it.exchange.handle(chat(), client)
        assert response is not None
        assert (response.status, response.body, client.head) == (429, b'{"error":"no"}', None)
        assert it.kinds() == ["INTENT", "OUTCOME released"]


async def test_an_endless_error_is_too_large(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        streaming(it, *[bytes(1 << 20)] * 9, head=Response(500))
        response = await it.exchange.handle(chat(), Reader())
        assert response is not None
        assert response.status == 502
        assert it.kinds() == ["INTENT", "OUTCOME failed"]


async def test_with_a_rule_for_answers_a_stream_is_refused(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(mode="enforce"), server_kind="openai") as it:
        client = Reader()
        response = await it.exchange.handle(chat(), client)
        assert response is not None
        assert (response.status, json.loads(response.body)["reasons"][0]["code"]) == (403, "stream_forbidden")
        assert (it.kinds(), it.upstream.received, client.head) == (["REFUSAL"], [], None)


@pytest.mark.parametrize(("score", "status", "kind"), [(0.5, 200, "released"), (0.9, 403, "refused")])
async def test_or_judged_as_a_whole(tmp_path: Path, score: float, status: int, kind: str) -> None:
    data = data_with(stream="judge")
    data["models"]["credit"]["rules"]["fairness_band"] = "enforce"
    data["models"]["credit"]["read"] = {"score": "probability:approve", "group": "header:X-Protected-Group"}
    async with lab(tmp_path, data=data, server_kind="openai") as it:
        said = json.dumps({"approve": score})
        deltas = [{"role": "assistant", "content": said[:5]}, {"content": said[5:]}]
        chunks = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
        body = b"".join(b"data: %s\n\n" % json.dumps(chunk).encode() for chunk in chunks) + b"data: [DONE]\n\n"
        it.upstream.answer = Response(200, HEAD.headers, body)
        client = Reader()
        response = await it.exchange.handle(chat(), client)
        assert response is not None
        assert (response.status, client.head) == (status, None)
        assert (response.body == body) is (status == 200)
        assert it.kinds() == ["INTENT", f"OUTCOME {kind}"]
        assert it.records()[-1]["input"]["prediction"]["scores"] == [score]
        assert it.upstream.whole_streams == [True]


async def test_in_shadow_mode_no_stream_is_held(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(mode="enforce"), server_kind="openai", mode="shadow") as it:
        streaming(it, *EVENTS)
        client = Reader()
        assert await it.exchange.handle(chat(), client) is None
        assert client.parts == list(EVENTS)
        case, _ = it.observer.finished_cases[0]
        assert [reason.code for reason in case.would_deny] == ["stream_forbidden"]
        assert it.kinds() == ["INTENT", "OUTCOME released"]


async def test_without_a_client_for_it_a_stream_is_one_answer(tmp_path: Path) -> None:
    data = data_with()
    data["models"]["credit"]["read"] = {}
    async with lab(tmp_path, data=data, server_kind="openai") as it:
        it.upstream.answer = Response(200, HEAD.headers, b"".join(EVENTS))
        response = await it.exchange.handle(chat())
        assert response is not None
        assert response.body == b"".join(EVENTS)


async def test_in_shadow_mode_what_could_not_be_read_passes_as_it_comes(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai", mode="shadow") as it:
        streaming(it, *EVENTS)
        client = Reader()
        assert await it.exchange.handle(infer(path="/v1/chat/completions", body=b"{"), client) is None
        assert client.parts == list(EVENTS)
        case, _ = it.observer.finished_cases[0]
        assert [reason.code for reason in case.would_deny] == ["body_malformed"]


async def test_an_error_in_place_of_a_stream_counts_in_the_budget(tmp_path: Path) -> None:
    async with lab(tmp_path, data=data_with(), server_kind="openai") as it:
        it.upstream.budget.hold(64 << 20)
        streaming(it, b"no", head=Response(500))
        response = await it.exchange.handle(chat(), Reader())
        assert response is not None
        assert (response.status, json.loads(response.body)["reasons"][0]["code"]) == (503, "overloaded")
        assert it.upstream.budget.held == 64 << 20
        assert it.kinds() == ["INTENT", "OUTCOME failed"]
