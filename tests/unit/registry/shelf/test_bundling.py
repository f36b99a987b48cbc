from __future__ import annotations

import asyncio
import hashlib
import threading
from typing import TYPE_CHECKING

import orjson

from sidecar.bundles import archive
from sidecar.bundles.manifest import Manifest
from sidecar.registry.shelf.bundling import EDITIONS_APART_S, NAMES, ROOTS, Built, Bundling, made
from sidecar.registry.shelf.waiting import Shelf
from sidecar.registry.values import Document, Kind
from tests.keys import signing_key, verifying_key
from tests.policies import until
from tests.registries import ROBOT, Opened, SetClock, pseudonym
from tests.registry_api import DATASET

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

MADE = ("data", "revocations", "revocations-earlier")


class Shop:
    """A registry's bundling, with what it told."""

    def __init__(self, opened: Opened) -> None:
        self.clock = SetClock()
        self.shelf = Shelf(NAMES, waiters_limit=8)
        self.built: list[str] = []
        self.failed: list[str] = []
        self.bundling = Bundling(
            *(opened.registry, signing_key(), self.shelf),
            on_built=self._note,
            on_failed=self.failed.append,
            clock=self.clock,
        )

    def _note(self, built: Built) -> None:
        self.built.append(built.served.name)

    def archives(self) -> dict[str, bytes]:
        return {name: served.archive for name in NAMES if (served := self.shelf.get(name))}


def test_no_two_bundles_own_the_same_part() -> None:
    roots = [root for each in ROOTS.values() for root in each]
    assert not [
        (one, other) for one in roots for other in roots if one != other and (other + "/").startswith(one + "/")
    ]


def test_a_bundle_is_its_document_signed_for_its_name() -> None:
    document = Document({"datasets": {"b": 1, "a": "\u2028"}}, 7, 1.5)
    served = made("data", document, signing_key())
    files = archive.read(served.archive)
    verifying_key().verify(files, "data")
    assert orjson.loads(files["data.json"]) == document.json
    revision = hashlib.sha256(files["data.json"]).hexdigest()[:16]
    assert Manifest.of(files[".manifest"]) == Manifest(revision, ROOTS["data"], 7, 1.5)
    assert (served.revision, served.sequence) == (revision, 7)
    assert made("data", document, signing_key()) == served


async def test_a_registry_that_starts_again_serves_the_same_bytes(opened: Opened) -> None:
    opened.registry.put(Kind.DATASET, "loans", DATASET, by=ROBOT, if_match=None)
    opened.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(n), {}) for n in range(50)], by=ROBOT)
    first = Shop(opened)
    await first.bundling.refresh()
    again = Opened(opened.url)
    again.clock.now_s += 1_000
    second = Shop(again)
    await second.bundling.refresh()
    again.close()
    assert set(first.archives()) == set(MADE)
    assert second.archives() == first.archives()
    assert [second.shelf.get(name) for name in MADE] == [first.shelf.get(name) for name in MADE]


async def test_only_what_a_change_touches_is_made_anew(opened: Opened) -> None:
    shop = Shop(opened)
    await shop.bundling.refresh()
    assert sorted(shop.built) == sorted(MADE)
    changes: dict[str, Callable[[], object]] = {
        "data": lambda: opened.registry.put(Kind.DATASET, "loans", DATASET, by=ROBOT, if_match=None),
        "revocations": lambda: opened.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(1), {})], by=ROBOT),
    }
    for name, change in changes.items():
        shop.built.clear()
        change()
        await shop.bundling.refresh()
        assert shop.built == [name]
    shop.built.clear()
    await shop.bundling.refresh()
    assert shop.built == []


async def test_every_kind_of_record_reaches_its_bundle(opened: Opened) -> None:
    registry, before = opened.registry, opened.registry.sequences()
    bundle = {Kind.REVOKED_TOKEN: "revocations", Kind.REVOKED_SUBJECT: "revocations"}
    bodies = {Kind.DATASET: DATASET, Kind.GROUP_MEAN: {"means": {"a": 0.5}}}
    for kind in (Kind.DATASET, Kind.REVOKED_TOKEN, Kind.REVOKED_SUBJECT, Kind.OBJECTION):
        registry.put(kind, "x" if kind in bodies else pseudonym(1), bodies.get(kind, {}), by=ROBOT, if_match=None)
        after = registry.sequences()
        assert {name for name in after if after[name] != before[name]} == {bundle.get(kind, "data")}
        before = after


async def test_another_registrys_change_is_seen_by_itself(opened: Opened) -> None:
    shop, other = Shop(opened), Opened(opened.url)
    running = asyncio.create_task(shop.bundling.run())
    try:
        await until(lambda: shop.bundling.is_ready)
        before = shop.shelf.get("revocations")
        shop.clock.now_s += EDITIONS_APART_S
        other.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(1), {})], by=ROBOT)
        assert before is not None
        async with asyncio.timeout(20):
            assert await shop.shelf.wait("revocations", before.etag, 20)
        assert shop.shelf.get("revocations") != before
    finally:
        running.cancel()
        other.close()


async def test_what_cannot_be_built_leaves_the_last_good_one(
    opened: Opened, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shop = Shop(opened)
    await shop.bundling.refresh()
    good = shop.archives()

    def broken() -> Document:
        raise RuntimeError("no room")

    opened.registry.put(Kind.DATASET, "loans", DATASET, by=ROBOT, if_match=None)
    opened.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(1), {})], by=ROBOT)
    monkeypatch.setattr(opened.registry, "data_document", broken)
    for _ in range(3):
        await shop.bundling.refresh()
    now = shop.archives()
    assert now["data"] == good["data"]
    assert now["revocations"] != good["revocations"]
    assert (shop.bundling.problems, shop.failed) == (["data: RuntimeError; the log has more"], ["data"] * 3)
    assert [record.getMessage() for record in caplog.records] == ["data: the last good bundles go on being served"]
    assert shop.bundling.is_ready
    monkeypatch.undo()
    await shop.bundling.refresh()
    assert shop.bundling.problems == []
    assert shop.archives()["data"] != good["data"]


async def test_a_database_that_is_gone_is_told_and_what_is_there_goes_on(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop(opened)
    await shop.bundling.refresh()
    good = shop.archives()
    monkeypatch.setattr(opened.engine, "connect", lambda: (_ for _ in ()).throw(OSError("gone")))
    await shop.bundling.refresh()
    assert shop.bundling.problems == ["database: OSError; the log has more"]
    assert shop.archives() == good


async def test_before_anything_is_made_it_is_not_ready(opened: Opened) -> None:
    shop = Shop(opened)
    assert not shop.bundling.is_ready
    await shop.bundling.refresh()
    assert shop.bundling.is_ready


async def test_changes_that_come_while_it_builds_are_one_more_round(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop, go = Shop(opened), threading.Event()
    await shop.bundling.refresh()
    shop.built.clear()
    document = opened.registry.data_document

    def slow() -> Document:
        found = document()
        assert go.wait(20)
        return found

    monkeypatch.setattr(opened.registry, "data_document", slow)
    opened.registry.put(Kind.DATASET, "d0", DATASET, by=ROBOT, if_match=None)
    shop.clock.now_s += EDITIONS_APART_S
    running = asyncio.create_task(shop.bundling.run())
    try:
        for number in range(1, 20):
            await asyncio.to_thread(opened.registry.put, Kind.DATASET, f"d{number}", DATASET, by=ROBOT, if_match=None)
            shop.bundling.wake()
        go.set()
        await until(lambda: shop.built == ["data"])
        shop.clock.now_s += EDITIONS_APART_S
        await until(lambda: b"d19" in archive.read(shop.archives()["data"])["data.json"])
    finally:
        running.cancel()
    assert len(shop.built) <= 2


def revoke(opened: Opened, number: int) -> None:
    opened.registry.put_many(Kind.REVOKED_TOKEN, [(pseudonym(number), {})], by=ROBOT)


async def test_under_steady_changes_editions_keep_apart_and_the_next_one_has_them_all(opened: Opened) -> None:
    shop = Shop(opened)
    await shop.bundling.refresh(EDITIONS_APART_S)
    shop.built.clear()
    shop.clock.now_s += EDITIONS_APART_S
    for number in range(8):
        revoke(opened, number)
        await shop.bundling.refresh(EDITIONS_APART_S)
        shop.clock.now_s += EDITIONS_APART_S / 8
    assert shop.built == ["revocations"], "the first after a quiet second at once, the others not yet"
    await shop.bundling.refresh(EDITIONS_APART_S)
    assert shop.built == ["revocations"] * 2
    newest = orjson.loads(archive.read(shop.archives()["revocations"])["data.json"])
    assert set(newest["revocations"]["tokens"]) == {pseudonym(number) for number in range(8)}


async def test_each_bundle_keeps_its_own_pace(opened: Opened) -> None:
    shop = Shop(opened)
    await shop.bundling.refresh(EDITIONS_APART_S)
    shop.clock.now_s += EDITIONS_APART_S
    shop.built.clear()
    revoke(opened, 1)
    await shop.bundling.refresh(EDITIONS_APART_S)
    revoke(opened, 2)
    opened.registry.put(Kind.DATASET, "loans", DATASET, by=ROBOT, if_match=None)
    await shop.bundling.refresh(EDITIONS_APART_S)
    assert shop.built == ["revocations", "data"]


async def test_what_is_held_is_served_by_itself_when_its_time_has_come(
    opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody wakes it, and no further change does."""
    shop, looks = Shop(opened), list[int]()
    sequences = opened.registry.sequences
    monkeypatch.setattr(opened.registry, "sequences", lambda: looks.append(1) or sequences())
    running = asyncio.create_task(shop.bundling.run())
    try:
        await until(lambda: shop.bundling.is_ready)
        shop.built.clear()
        await asyncio.to_thread(revoke, opened, 1)
        seen = len(looks)
        await until(lambda: len(looks) >= seen + 2)
        assert shop.built == []
        shop.clock.now_s += EDITIONS_APART_S
        await until(lambda: shop.built == ["revocations"])
    finally:
        running.cancel()
