from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.registry.api import guard
from sidecar.registry.api.guard import BODY_LIMIT_BYTES, BULK_LIMIT_BYTES
from tests.registries import pseudonym
from tests.registry_api import DATASET, told

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.registry_api import Api

LOANS = "/v1/datasets/loans"


def padded(size_bytes: int) -> bytes:
    """A good body of exactly this size."""
    bare = json.dumps(DATASET | {"source": ""}).encode()
    return json.dumps(DATASET | {"source": "x" * (size_bytes - len(bare))}).encode()


async def chunks(body: bytes, taken: list[int]) -> AsyncIterator[bytes]:
    """The body without its length; `taken` tells how much of it was asked for."""
    for start in range(0, len(body), 1 << 16):
        taken.append(start)
        yield body[start : start + (1 << 16)]


async def stream(api: Api, method: str, path: str, body: bytes, taken: list[int]) -> Any:
    headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
    return await api.client.request(method, path, content=chunks(body, taken), headers=headers)


async def test_a_body_of_the_limit_is_taken_and_one_beyond_is_not(api: Api) -> None:
    assert (await api.ask("PUT", LOANS, padded(BODY_LIMIT_BYTES))).status_code == 201
    refused = await api.ask("PUT", "/v1/datasets/other", padded(BODY_LIMIT_BYTES + 1))
    assert told(refused) == (413, [f"the body is over {BODY_LIMIT_BYTES} bytes: send less at once"])
    assert (await api.ask("GET", "/v1/datasets/other")).status_code == 404


async def test_a_body_without_length_is_bounded_while_it_is_read(api: Api) -> None:
    taken: list[int] = []
    assert (await stream(api, "PUT", LOANS, padded(BODY_LIMIT_BYTES), taken)).status_code == 201
    refused = await stream(api, "PUT", "/v1/datasets/other", padded(BODY_LIMIT_BYTES + 1), taken)
    assert told(refused)[0] == 413


async def test_what_comes_in_bulk_has_room(api: Api) -> None:
    ids = [pseudonym(number) for number in range(20_000)]
    assert await api.good("POST", "/v1/revocations", {"tokens": ids}) == {"changed": {"revoked_token": 20_000}}
    refused = await api.ask("POST", "/v1/revocations", b" " * (BULK_LIMIT_BYTES + 1))
    assert told(refused)[0] == 413


async def test_a_body_that_trickles_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_TIMEOUT_S", 0.05)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    headers = {"Authorization": "Bearer admin", "Content-Type": "application/json"}
    refused = await api.client.put(LOANS, content=never(), headers=headers)
    assert told(refused)[0] == 408


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"nothing", b"[]", b"null", b'"x"', b'{"created_unix_s": NaN}', b'{"a": 1e999}', b"\xef\xbb\xbf{}"),
        *(b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 2}}', b'{"a": "\xff"}', b'{"a": "\\ud800"}', b"[" * 100_000),
        *(b'{"source": "\\u0000"}', b'{"source": "\\\\\\u0000"}'),
    ],
)
async def test_what_is_not_strict_json_is_refused(api: Api, body: bytes) -> None:
    status, [problem] = told(await api.ask("PUT", LOANS, body))
    assert (status, problem.startswith("the body is not acceptable: ")) == (400, True)


async def test_a_backslash_before_u0000_is_no_nul(api: Api) -> None:
    body = json.dumps(DATASET | {"source": "\\u0000"}).encode()
    assert (await api.ask("PUT", LOANS, body)).status_code == 201


async def test_a_large_body_is_as_strict(api: Api) -> None:
    twice = b'{"source": "' + b"x" * 200_000 + b'", "source": ""}'
    assert told(await api.ask("PUT", LOANS, twice)) == (
        400,
        ["the body is not acceptable: a name stands twice in one object"],
    )


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", ""])
async def test_a_body_says_that_it_is_json(api: Api, media_type: str) -> None:
    refused = await api.ask("PUT", LOANS, DATASET, Content_Type=media_type)
    assert told(refused) == (415, ["send the body as Content-Type: application/json"])


async def test_a_charset_does_no_harm(api: Api) -> None:
    assert (await api.ask("PUT", LOANS, DATASET, Content_Type="application/JSON; charset=utf-8")).status_code == 201


async def test_who_may_not_write_has_no_byte_read(api: Api) -> None:
    read: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        read.append(1)
        yield b"{}"

    for token, status in {"reader": 403, "unknown": 401}.items():
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        assert (await api.client.put(LOANS, content=body(), headers=headers)).status_code == status
    assert read == []


async def test_a_change_makes_bundles_anew_at_once(api: Api) -> None:
    before = api.parts.shelf.get("data")
    running = asyncio.create_task(api.parts.bundling.run())
    try:
        assert before is not None
        changed = asyncio.create_task(api.parts.shelf.wait("data", before.etag, 20))
        await api.good("PUT", LOANS, DATASET)
        assert await changed
    finally:
        running.cancel()
    after = api.parts.shelf.get("data")
    assert after is not None
    assert after.sequence > before.sequence


async def test_refusals_and_reads_wake_nobody(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    woken: list[int] = []
    monkeypatch.setattr(api.parts.bundling, "wake", lambda: woken.append(1))
    await api.ask("GET", "/v1/datasets")
    await api.ask("PUT", LOANS, {"colour": "red"})
    assert woken == []
    await api.good("PUT", LOANS, DATASET)
    assert woken == [1]
