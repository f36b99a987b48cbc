from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING

import pytest

from sidecar.consent.jwks import KeySetError
from sidecar.consent.keys import FETCH_INTERVAL_S, MAX_AGE_S, FileKeys, UrlKeys, open_keys
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.consent.jwks import KeySet
    from tests.unit.consent.issuer import Issuer

ALGORITHMS = ("RS256", "ES256", "EdDSA")


def kids(keys: KeySet) -> tuple[int, list[str | None]]:
    return keys.revision, [key.kid for key in keys.keys]


class Server:
    """A fetch function with an answer that can be set, and a gate that holds it up."""

    def __init__(self, answer: bytes | Exception) -> None:
        self.answer = answer
        self.fetches = 0
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self) -> bytes:
        self.fetches += 1
        assert self.gate.wait(10)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


async def test_a_file_is_read_again_when_it_changes_and_at_most_once_a_second(issuer: Issuer, tmp_path: Path) -> None:
    clock, path = FixedClock(), tmp_path / "jwks.json"
    path.write_bytes(issuer.set("rsa"))
    keys = FileKeys(path, ALGORITHMS, clock)
    await keys.load()
    assert kids(keys.current()) == (1, ["rsa"])
    path.write_bytes(issuer.set("rsa", "ec"))
    assert kids(keys.current()) == (1, ["rsa"])
    clock.advance(1.0)
    assert kids(keys.current()) == (2, ["rsa", "ec"])
    assert (keys.refreshes_total, keys.failures_total) == (2, 0)


async def test_an_unknown_key_looks_at_the_file_at_once(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(issuer.set("rsa"))
    keys = FileKeys(path, ALGORITHMS, FixedClock())
    await keys.load()
    path.write_bytes(issuer.set("okp"))
    assert kids(await keys.refresh()) == (2, ["okp"])


async def test_the_same_keys_in_a_new_file_are_no_new_revision(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(issuer.set("rsa"))
    keys = FileKeys(path, ALGORITHMS, FixedClock())
    await keys.load()
    path.write_bytes(issuer.set("rsa") + b"\n")
    assert kids(await keys.refresh()) == (1, ["rsa"])
    assert keys.refreshes_total == 2


async def test_a_broken_or_removed_file_keeps_the_old_keys_and_counts_once(issuer: Issuer, tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_bytes(issuer.set("rsa"))
    keys = FileKeys(path, ALGORITHMS, FixedClock())
    await keys.load()
    path.write_bytes(b"{")
    assert kids(await keys.refresh()) == (1, ["rsa"])
    assert kids(await keys.refresh()) == (1, ["rsa"])
    assert (keys.failures_total, keys.last_error) == (1, "it is not JSON")
    path.unlink()
    assert kids(await keys.refresh()) == (1, ["rsa"])
    path.write_bytes(issuer.set("ec"))
    assert kids(await keys.refresh()) == (2, ["ec"])
    assert keys.last_error is None


async def test_a_file_that_cannot_be_read_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeySetError, match="cannot be read"):
        await FileKeys(tmp_path / "none", ALGORITHMS, FixedClock()).load()
    (tmp_path / "big").write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(KeySetError, match="over 1048576 bytes"):
        await FileKeys(tmp_path / "big", ALGORITHMS, FixedClock()).load()


async def test_ten_thousand_unknown_keys_cost_one_fetch_an_interval(issuer: Issuer) -> None:
    clock, server = FixedClock(), Server(issuer.set("rsa"))
    keys = UrlKeys(server, ALGORITHMS, clock)
    await keys.load()
    clock.advance(FETCH_INTERVAL_S)
    await asyncio.gather(*[keys.refresh() for _ in range(10_000)])
    assert server.fetches == 2
    await keys.refresh()
    assert server.fetches == 2
    clock.advance(FETCH_INTERVAL_S)
    await keys.refresh()
    assert (server.fetches, keys.refreshes_total) == (3, 3)


async def test_all_who_wait_get_the_keys_of_one_flight_though_one_leaves(issuer: Issuer) -> None:
    server = Server(issuer.set("rsa"))
    keys = UrlKeys(server, ALGORITHMS, FixedClock())
    server.gate.clear()
    waiters = [asyncio.create_task(keys.refresh()) for _ in range(3)]
    await asyncio.sleep(0)
    waiters[0].cancel()
    server.gate.set()
    assert [kids(found) for found in await asyncio.gather(*waiters[1:])] == [(1, ["rsa"])] * 2
    assert waiters[0].cancelled()
    assert server.fetches == 1


async def test_a_failed_fetch_keeps_the_old_keys_and_counts(issuer: Issuer) -> None:
    clock, server = FixedClock(), Server(issuer.set("rsa"))
    keys = UrlKeys(server, ALGORITHMS, clock)
    await keys.load()
    for answer in (OSError("unreachable"), b"<html>"):
        server.answer = answer
        clock.advance(FETCH_INTERVAL_S)
        assert kids(await keys.refresh()) == (1, ["rsa"])
    assert (keys.refreshes_total, keys.failures_total, keys.last_error) == (1, 2, "it is not JSON")


async def test_old_keys_are_fetched_anew_beside_the_request(issuer: Issuer) -> None:
    clock, server = FixedClock(), Server(issuer.set("rsa"))
    keys = UrlKeys(server, ALGORITHMS, clock)
    await keys.load()
    server.answer = issuer.set("ec")
    clock.advance(MAX_AGE_S - 1)
    assert kids(keys.current()) == (1, ["rsa"])
    clock.advance(1)
    assert kids(keys.current()) == (1, ["rsa"])
    await keys.aclose()
    assert kids(keys.current()) == (2, ["ec"])
    assert server.fetches == 2


async def test_a_first_fetch_that_fails_is_an_error_with_all_problems() -> None:
    with pytest.raises(KeySetError, match="it is not JSON"):
        await UrlKeys(Server(b"<html>"), ALGORITHMS, FixedClock()).load()


def test_a_source_is_a_file_or_an_https_url(tmp_path: Path) -> None:
    assert isinstance(open_keys(os.fspath(tmp_path), ALGORITHMS, FixedClock()), FileKeys)
    assert isinstance(open_keys("https://i.example/jwks.json", ALGORITHMS, FixedClock()), UrlKeys)
    for source in ("http://127.0.0.1/jwks.json", "file:///jwks.json"):
        with pytest.raises(ValueError, match="https"):
            open_keys(source, ALGORITHMS, FixedClock())
