"""What can go wrong on the way to the store; what goes well is in the conformance tests."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from sidecar.app.ports import unix_listener
from sidecar.fairness.memory_store import MemoryStore
from sidecar.fairness.shared_store import Change, StoreFailed
from sidecar.fairness.socket_store import FRAME_LIMIT_BYTES, LENGTH, SocketStore, served
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

DAY_S = 86_400


def memory() -> MemoryStore:
    return MemoryStore(FixedClock(), DAY_S, DAY_S)


async def test_a_store_that_is_not_there_fails_and_is_well_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "windows.sock"
    store = SocketStore(path)
    with pytest.raises(StoreFailed, match="FileNotFoundError"):
        await store.beat("r")
    async with served(memory(), unix_listener(path)):
        assert (await store.beat("r")).replicas == 1
    await store.close()


async def test_another_store_in_its_place_is_another_generation(tmp_path: Path) -> None:
    path = tmp_path / "windows.sock"
    store = SocketStore(path)
    async with served(memory(), unix_listener(path)):
        first = await store.beat("r")
    with pytest.raises(StoreFailed):
        await store.beat("r")
    async with served(memory(), unix_listener(path)):
        assert (await store.beat("r")).generation != first.generation
    await store.close()


async def test_an_answer_that_came_too_late_is_nobody_elses(tmp_path: Path) -> None:
    """The first question is answered when the client has given up."""
    path = tmp_path / "windows.sock"
    released, ended = asyncio.Event(), asyncio.Event()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        question = await reader.readexactly(LENGTH.unpack(await reader.readexactly(LENGTH.size))[0])
        if b"fields" in question:
            await released.wait()
        answer = b'{"reply":[{"of":"the first"}]}' if b"fields" in question else b'{"reply":[1.0,"g",1]}'
        writer.write(LENGTH.pack(len(answer)) + answer)
        writer.close()
        if b"fields" in question:
            ended.set()

    server = await asyncio.start_unix_server(slow, path)
    store = SocketStore(path, timeout_s=0.05)
    with pytest.raises(StoreFailed, match="TimeoutError"):
        await store.fields(["h"])
    assert (await store.beat("r")).generation == "g"
    released.set()
    await ended.wait()
    await store.close()
    server.close()


async def test_a_frame_beyond_the_limit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "windows.sock"

    async def vast(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(LENGTH.pack(FRAME_LIMIT_BYTES + 1))
        writer.close()

    server = await asyncio.start_unix_server(vast, path)
    store = SocketStore(path)
    with pytest.raises(StoreFailed, match="a frame of"):
        await store.beat("r")
    await store.close()
    server.close()


async def test_what_the_store_does_not_understand_fails_and_the_connection_serves_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "windows.sock"
    async with served(memory(), unix_listener(path)):
        store = SocketStore(path)
        with pytest.raises(StoreFailed, match="no method"):
            await store._call("nonsense", [])
        assert await store.replace([Change("h", "f", None, b"1")]) == [None]
        await store.close()
    assert "does not understand" in caplog.text


async def test_calls_at_once_are_answered_each_with_its_own(tmp_path: Path) -> None:
    path = tmp_path / "windows.sock"
    async with served(memory(), unix_listener(path)):
        store = SocketStore(path)
        await store.replace([Change(f"h{n}", "f", None, str(n).encode()) for n in range(20)])
        found = await asyncio.gather(*(store.fields([f"h{n}"]) for n in range(20)))
        assert found == [[{"f": str(n).encode()}] for n in range(20)]
        await store.close()
