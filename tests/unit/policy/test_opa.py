from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.http1.target import Target
from sidecar.model.refusal import Refused
from sidecar.policy.batch import BatchFailed
from sidecar.policy.opa import OpaClient, OpaEngine, Revision
from sidecar.policy.port import UNDEFINED, Answer
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PROVENANCE = {"bundles": {"b": {"revision": "r2"}, "a": {"revision": "r1"}}}


class Daemon:
    """Answers every request on a Unix socket with the same bytes; keeps the request heads and bodies."""

    def __init__(self) -> None:
        self.answer = b""
        self.requests: list[tuple[bytes, object]] = []

    def says(self, document: object, *, status: int = 200, provenance: object = PROVENANCE) -> None:
        if provenance is not None and isinstance(document, dict):
            document = document | {"provenance": provenance}
        self.says_bytes(orjson.dumps(document), status)

    def says_bytes(self, body: bytes, status: int = 200) -> None:
        self.answer = b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                body = await reader.readexactly(length)
                self.requests.append((head.partition(b" HTTP")[0], orjson.loads(body) if body else None))
                if not self.answer:
                    break
                writer.write(self.answer)
        writer.close()


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Daemon]:
    daemon = Daemon()
    async with await asyncio.start_unix_server(daemon.serve, tmp_path / "s"):
        yield daemon


@pytest.fixture
async def client(daemon: Daemon, tmp_path: Path) -> AsyncIterator[OpaClient]:
    client = OpaClient(Target.parse(f"unix://{tmp_path}/s"), FixedClock())
    yield client
    await client.aclose()


async def code_of(client: OpaClient) -> str:
    with pytest.raises(Refused) as raised:
        await client.ask_one(b"{}", 5)
    (reason,) = raised.value.reasons
    assert "secret" not in reason.message
    return reason.code


async def test_one_question(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({"result": {"allow": True}})
    assert await client.ask_one(b'{"x":1}', 5) == Answer({"allow": True}, "r1+r2")
    assert daemon.requests == [(b"POST /v1/data/sidecar/decision?provenance=true", {"input": {"x": 1}})]


async def test_many_questions_by_index(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({"result": {"0": 10, "2": 12}})
    assert await client.ask_many([b"0", b"1", b"2"], 5) == [
        Answer(10, "r1+r2"),
        Answer(UNDEFINED, "r1+r2"),
        Answer(12, "r1+r2"),
    ]
    assert daemon.requests == [(b"POST /v1/data/sidecar/decisions?provenance=true", {"input": {"items": [0, 1, 2]}})]


async def test_facts_revision_and_status(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({"result": {"models": {}}})
    assert await client.facts() == Answer({"models": {}}, "r1+r2")
    assert await client.revision() == Revision("r1+r2", frozenset({"a", "b"}))
    assert await client.status() == {"models": {}}
    assert daemon.requests == [
        (b"POST /v1/data/sidecar/facts?provenance=true", {"input": {}}),
        (b"POST /v1/data/sidecar/decisions?provenance=true", {"input": {"items": []}}),
        (b"GET /v1/status", None),
    ]


async def test_without_the_status_plugin_there_is_no_status(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({"code": "internal_error", "message": "status plugin not enabled"}, status=500)
    assert await client.status() is UNDEFINED


async def test_undefined(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({})
    assert await client.ask_one(b"{}", 5) == Answer(UNDEFINED, "r1+r2")


@pytest.mark.parametrize("provenance", [None, {}, {"bundles": None}, {"bundles": {}}, {"bundles": []}])
async def test_without_a_bundle_there_is_no_policy_yet(daemon: Daemon, client: OpaClient, provenance: object) -> None:
    daemon.says({"result": {"allow": True}})
    await client.ask_one(b"{}", 5)
    daemon.says({"result": {"allow": True}}, provenance=provenance)
    assert await code_of(client) == "policy_unavailable"


async def test_all_bundles_must_be_active(daemon: Daemon, client: OpaClient) -> None:
    daemon.says({})
    await client.require_bundles()
    assert daemon.requests == [(b"GET /health?bundles", None)]
    daemon.says({"error": "one or more bundles are not activated"}, status=500)
    with pytest.raises(Refused, match="policy_unavailable: the policy engine has not activated all its bundles yet"):
        await client.require_bundles()


@pytest.mark.parametrize(
    "provenance",
    [
        {"bundles": {"a": {}}},
        {"bundles": {"a": None}},
        {"bundles": {"a": {"revision": ""}}},
        {"bundles": {"a": {"revision": 1.5, "b": {}}, "b": {"revision": "x\r\ny"}}},
        {"bundles": {"a": {"revision": "r1"}, "b": {"revision": ""}}},
    ],
)
async def test_without_a_revision_nobody_knows_who_decided(
    daemon: Daemon, client: OpaClient, provenance: object
) -> None:
    daemon.says({"result": {"allow": True}})
    await client.ask_one(b"{}", 5)
    daemon.says({"result": {"allow": True}}, provenance=provenance)
    assert await code_of(client) == "policy_malformed"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b"[]", "policy_malformed"),
        (200, b"", "policy_malformed"),
        (200, b"secret", "policy_malformed"),
        (500, b'{"code":"internal_error","message":"secret"}', "policy_malformed"),
        (400, b"secret", "policy_malformed"),
        (401, b"secret", "policy_unavailable"),
        (404, b"secret", "policy_unavailable"),
        (503, b"secret", "policy_unavailable"),
        (302, b"secret", "policy_unavailable"),
    ],
)
async def test_other_answers(daemon: Daemon, client: OpaClient, status: int, body: bytes, code: str) -> None:
    daemon.says_bytes(body, status)
    assert await code_of(client) == code


@pytest.mark.parametrize("answer", [b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n"])
async def test_what_is_no_http_is_malformed(daemon: Daemon, client: OpaClient, answer: bytes) -> None:
    daemon.answer = answer
    assert await code_of(client) == "policy_malformed"


async def test_a_connection_that_ends_is_unavailable(daemon: Daemon, client: OpaClient) -> None:
    assert await code_of(client) == "policy_unavailable"
    assert len(daemon.requests) == 1


async def test_no_daemon_is_unavailable(tmp_path: Path) -> None:
    client = OpaClient(Target.parse(f"unix://{tmp_path}/none"), FixedClock())
    assert await code_of(client) == "policy_unavailable"


async def test_a_slow_daemon_times_out(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_unix_server(silent, tmp_path / "s"):
        client = OpaClient(Target.parse(f"unix://{tmp_path}/s"), FixedClock())
        with pytest.raises(Refused, match="policy_timeout"):
            await client.ask_one(b"{}", 0.05)
        with pytest.raises(Refused, match="policy_timeout"):
            await client.ask_many([b"{}", b"{}"], 0.05)
        await client.aclose()


@pytest.mark.parametrize(
    ("status", "document"), [(200, {}), (200, {"result": []}), (200, []), (500, {"code": "internal_error"})]
)
async def test_a_batch_without_a_usable_answer(
    daemon: Daemon, client: OpaClient, status: int, document: object
) -> None:
    daemon.says(document, status=status)
    with pytest.raises(BatchFailed):
        await client.ask_many([b"{}", b"{}"], 5)


async def test_a_dead_engine_is_no_reason_to_ask_one_by_one(daemon: Daemon, client: OpaClient) -> None:
    with pytest.raises(Refused, match="policy_unavailable"):
        await client.ask_many([b"{}", b"{}"], 5)


async def test_the_engine_over_the_client(daemon: Daemon, client: OpaClient) -> None:
    engine = OpaEngine(client, timeout_s=5)
    daemon.says({"result": {"allow": True}})
    assert await engine.decide(b"{}") == await engine.facts() == Answer({"allow": True}, "r1+r2")
    await engine.aclose()
    with pytest.raises(Refused, match="policy_unavailable"):
        await engine.decide(b"{}")
