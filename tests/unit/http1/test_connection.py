"""What the pool never does to a connection, and what it relies on."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.http1.connection import Connection
from sidecar.http1.errors import Truncated, Unreachable
from sidecar.model.budget import Budget
from tests.unit.http1.scripted import run


class Transport(asyncio.Transport):
    """Keeps what is written."""

    def __init__(self, unsent_bytes: int = 0) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False
        self.unsent_bytes = unsent_bytes

    def write(self, data: bytes) -> None:  # type: ignore[override]
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.aborted

    def abort(self) -> None:
        self.aborted = True

    def get_write_buffer_size(self) -> int:
        return self.unsent_bytes


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


def made(transport: Transport, lost: list[Connection]) -> Connection:
    connection = Connection(asyncio.get_running_loop(), lost.append, 1_000, Budget(10_000))
    connection.connection_made(transport)
    return connection


async def under_way(connection: Connection, body: bytes = b"") -> asyncio.Task[object]:
    task: asyncio.Task[object] = asyncio.create_task(connection.exchange(b"HEAD", body, is_head=False, timeout_s=5))
    await asyncio.sleep(0)
    return task


@pytest.mark.parametrize("data", [OK[:1], OK])
def test_bytes_out_of_turn_end_it(data: bytes) -> None:
    async def test() -> None:
        transport = Transport()
        connection = made(transport, [])
        connection.data_received(data)
        assert (connection.usable, transport.aborted) == (False, True)
        with pytest.raises(Unreachable):
            await connection.exchange(b"", b"", is_head=False, timeout_s=5)
        assert transport.written == []

    run(test())


def test_small_bodies_go_with_their_head() -> None:
    async def test() -> None:
        transport = Transport()
        connection = made(transport, [])
        for body in (b"", b"body", b"x" * 100_000):
            task = await under_way(connection, body)
            connection.data_received(OK)
            await task
        assert transport.written == [b"HEAD", b"HEADbody", b"HEAD" + b"x" * 100_000]  # the last by writelines
        assert connection.usable

    run(test())


def test_an_early_answer_ends_it() -> None:
    async def test() -> None:
        transport = Transport(unsent_bytes=1)
        connection = made(transport, [])
        task = await under_way(connection)
        connection.data_received(OK)
        await task
        assert (connection.usable, transport.aborted) == (False, True)

    run(test())


def test_its_loss_is_told_once_and_fails_what_is_under_way() -> None:
    async def test() -> None:
        lost: list[Connection] = []
        connection = made(Transport(), lost)
        task = await under_way(connection)
        connection.connection_lost(None)
        with pytest.raises(Truncated):
            await task
        assert (lost, connection.usable) == ([connection], False)

    run(test())
