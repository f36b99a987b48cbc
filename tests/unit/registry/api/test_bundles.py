from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.bundles import archive
from sidecar.bundles.manifest import Manifest
from sidecar.registry.api.app import create_app
from sidecar.registry.api.bundles import LONG_POLLING
from tests.keys import verifying_key
from tests.policies import until
from tests.registry_api import DATASET, serving, told

if TYPE_CHECKING:
    import httpx2

    from tests.registries import Opened
    from tests.registry_api import Api

PATH = "/v1/bundles/{}.tar.gz"
DATA = PATH.format("data")


@pytest.mark.parametrize("name", ["data", "revocations", "revocations-earlier"])
async def test_each_bundle_is_signed_for_its_own_name(api: Api, name: str) -> None:
    answer = await api.ask("GET", PATH.format(name), role="engine")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, LONG_POLLING)
    files = archive.read(answer.content)
    verifying_key().verify(files, name)
    served = api.parts.shelf.get(name)
    assert served is not None
    manifest = Manifest.of(files[".manifest"])
    assert (manifest.revision, manifest.sequence) == (served.revision, served.sequence)
    assert answer.headers["ETag"] == served.etag


async def test_what_is_known_is_not_sent_again(api: Api) -> None:
    etag = (await api.ask("GET", DATA)).headers["ETag"]
    assert not etag.startswith("W/")
    for known in (etag, f'"other", {etag}', f"W/{etag}"):
        answer = await api.ask("GET", DATA, If_None_Match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert (answer.headers["ETag"], answer.headers["Content-Type"]) == (etag, LONG_POLLING)
    assert (await api.ask("GET", DATA, If_None_Match='"other"')).status_code == 200


async def test_head_tells_all_but_the_bytes(api: Api) -> None:
    got, head = await api.ask("GET", DATA), await api.ask("HEAD", DATA)
    assert head.status_code == 200
    assert {name: head.headers[name] for name in ("ETag", "Content-Type", "Content-Length")} == {
        name: got.headers[name] for name in ("ETag", "Content-Type", "Content-Length")
    }


async def test_a_change_has_another_tag_and_no_other_bundle_has(api: Api) -> None:
    names = ("data", "revocations", "revocations-earlier")
    before = {name: (await api.ask("GET", PATH.format(name))).content for name in names}
    await api.good("PUT", "/v1/datasets/loans", DATASET)
    await api.parts.bundling.refresh()
    after = {name: (await api.ask("GET", PATH.format(name))).content for name in names}
    assert [name for name in names if before[name] != after[name]] == ["data"]


@pytest.mark.parametrize("prefer", ["wait=20", "modes=snapshot,delta;wait=20", "modes=snapshot, wait=20"])
async def test_who_waits_is_answered_as_soon_as_there_is_something_new(api: Api, prefer: str) -> None:
    etag = (await api.ask("GET", DATA)).headers["ETag"]
    waiting = asyncio.create_task(api.ask("GET", DATA, If_None_Match=etag, Prefer=prefer))
    await until(lambda: api.parts.shelf.waiters == 1)
    await api.good("PUT", "/v1/datasets/loans", DATASET)
    await api.parts.bundling.refresh()
    answer = await waiting
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag
    assert api.parts.shelf.waiters == 0


async def test_who_waits_in_vain_is_told_that_nothing_changed(api: Api) -> None:
    etag = (await api.ask("GET", DATA)).headers["ETag"]
    answer = await api.ask("GET", DATA, If_None_Match=etag, Prefer="wait=1")
    assert (answer.status_code, answer.headers["ETag"]) == (304, etag)


@pytest.mark.parametrize("prefer", ["", "wait=x", "await=20", "wait=-1", "respond-async"])
async def test_who_does_not_ask_to_wait_does_not(api: Api, prefer: str) -> None:
    etag = (await api.ask("GET", DATA)).headers["ETag"]
    async with asyncio.timeout(15):
        answer = await api.ask("GET", DATA, If_None_Match=etag, Prefer=prefer)
    assert answer.status_code == 304


async def test_beyond_the_bound_nobody_waits_and_what_is_new_is_served_all_the_same(on_file: Opened) -> None:
    async with serving(on_file, waiters_limit=1) as api:
        etag = (await api.ask("GET", DATA)).headers["ETag"]
        first = asyncio.create_task(api.ask("GET", DATA, If_None_Match=etag, Prefer="wait=20"))
        await until(lambda: api.parts.shelf.waiters == 1)
        second = await api.ask("GET", DATA, If_None_Match=etag, Prefer="wait=20")
        assert told(second) == (503, ["too many engines wait here already: raise --waiters"])
        assert (await api.ask("GET", DATA, If_None_Match='"old"', Prefer="wait=20")).status_code == 200
        api.parts.shelf.close()
        assert (await first).status_code == 304


async def test_who_goes_away_leaves_its_place(on_file: Opened) -> None:
    async with serving(on_file) as api:
        etag = (await api.ask("GET", DATA)).headers["ETag"]
        gone = asyncio.Event()
        app = create_app(api.parts)
        headers = [(b"authorization", b"Bearer engine"), (b"if-none-match", etag.encode()), (b"prefer", b"wait=60")]
        scope = {"type": "http", "method": "GET", "path": DATA, "raw_path": DATA.encode(), "query_string": b""}
        scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("x", 80), "root_path": ""}
        sent: list[object] = []

        async def receive() -> dict[str, object]:
            if not sent:
                sent.append("request")
                return {"type": "http.request", "body": b"", "more_body": False}
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message: object) -> None:
            sent.append(message)

        asking = asyncio.create_task(app(scope, receive, send))  # type: ignore[arg-type]
        await until(lambda: api.parts.shelf.waiters == 1)
        gone.set()
        await until(lambda: api.parts.shelf.waiters == 0)
        await asking


async def test_before_the_first_policy_its_bundle_says_what_to_do(api: Api) -> None:
    assert told(await api.ask("GET", PATH.format("policy"))) == (
        404,
        ["no policy has been published yet: `sidecar policy publish` does it"],
    )
    assert told(await api.ask("GET", PATH.format("other")))[0] == 404


async def test_other_methods_are_none(api: Api) -> None:
    answer: httpx2.Response = await api.ask("POST", DATA, {})
    assert told(answer)[0] == 405
    assert "GET" in answer.headers["Allow"]
