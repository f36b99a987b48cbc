from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.model.clock import SystemClock
from sidecar.policy.bundled.config import BundleSpec
from sidecar.policy.bundled.following import FIRST_DELAY_S, LONG_POLLING_PAUSE_S, Follower
from tests.bundles import key
from tests.policies import until
from tests.servers.bundles import BundleServer, bundle_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

pytestmark = pytest.mark.anyio


@dataclass
class Heard:
    """A `Receiver` that keeps what it is told."""

    told: list[tuple[str, bytes | str]] = field(default_factory=list["tuple[str, bytes | str]"])

    async def arrived(self, name: str, archive: bytes) -> None:
        self.told.append((f"{name} arrived", archive))

    async def confirmed(self, name: str) -> None:
        self.told.append((f"{name} confirmed", b""))

    async def failed(self, name: str, problem: str) -> None:
        self.told.append((f"{name} failed", problem))


def follower(port: int, heard: Heard, **changes: Any) -> Follower:
    """With the longest pauses that chance could make."""
    target = Target.parse(f"http://127.0.0.1:{port}")
    spec = BundleSpec("data", target, "/data.tar.gz", VerifyingKey(key("ours")[1]), "data", **changes)
    return Follower(spec, heard, SystemClock(), uniform=lambda _, longest_s: longest_s)


@asynccontextmanager
async def following(server: BundleServer, **changes: Any) -> AsyncGenerator[tuple[Follower, Heard]]:
    heard = Heard()
    made = follower(server.port, heard, **changes)
    task = asyncio.create_task(made.run())
    try:
        yield made, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await made.aclose()


async def test_what_is_new_is_told_at_once_where_the_server_waits() -> None:
    with bundle_server() as server:
        server.put("data", b"one")
        async with following(server, long_polling_s=20) as (made, heard):
            await until(lambda: heard.told)
            assert made.pause_s() == LONG_POLLING_PAUSE_S
            server.put("data", b"two")
            await until(lambda: len(heard.told) == 2)
    assert heard.told == [("data arrived", b"one"), ("data arrived", b"two")]


async def test_without_long_polling_it_asks_again_and_again() -> None:
    with bundle_server() as server:
        server.put("data", b"one")
        async with following(server, min_delay_s=0.01, max_delay_s=0.02) as (made, heard):
            await until(lambda: len(heard.told) > 3)
            assert made.pause_s() == 0.02
    assert set(heard.told[1:]) == {("data confirmed", b"")}


async def test_each_failure_makes_the_pause_longer_until_one_request_succeeds() -> None:
    pauses_s: list[float] = []
    with bundle_server() as server:
        async with following(server, max_delay_s=0.3, long_polling_s=20) as (made, heard):
            for count in range(1, 5):
                await until(lambda: len(heard.told) == count)  # noqa: B023 - it is awaited here
                pauses_s.append(made.pause_s())
            server.put("data", b"one")
            await until(lambda: heard.told[-1][0] == "data arrived")
            assert made.pause_s() == LONG_POLLING_PAUSE_S
    assert pauses_s == [FIRST_DELAY_S, 2 * FIRST_DELAY_S, 0.3, 0.3]
    assert heard.told[0] == ("data failed", f"http://127.0.0.1:{server.port}: the answer is status 404")


async def test_after_a_failure_it_asks_without_waiting() -> None:
    with bundle_server() as server:
        server.put("data", b"one")
        async with following(server, max_delay_s=0.1, long_polling_s=20) as (_, heard):
            await until(lambda: len(heard.told) == 1)
            server.stop()
            await until(lambda: heard.told[-1][0] == "data failed")
            server.start()
            await until(lambda: heard.told[-1][0] == "data confirmed")


async def test_a_pause_has_its_limit_however_often_it_failed() -> None:
    made = follower(1, Heard(), max_delay_s=7.0)
    made._failures = 10**9
    assert made.pause_s() == 7.0
