"""The second phase against a server that throttles as it is told to, on a real socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.port import Kind, Record
from sidecar.demo.applications import INPUTS, Application
from sidecar.demo.calls import UNFAIR, Caller
from sidecar.demo.people import Issuer
from sidecar.demo.provoking import provoke
from sidecar.demo.replay import CONCURRENCY, Clients
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from pathlib import Path

    from sidecar.demo.provoking import Provoked

pytestmark = pytest.mark.anyio

PEOPLE = [Application(1, "white", tuple(1.0 for _ in INPUTS), approved=True)]
PASSED = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-decision-id: 1\r\n\r\n{}"
_PROBLEM = json.dumps({"reasons": [{"code": "model_throttled"}]}).encode()
THROTTLED = b"HTTP/1.1 429 X\r\ncontent-type: application/problem+json\r\ncontent-length: %d\r\n\r\n%s" % (
    len(_PROBLEM),
    _PROBLEM,
)


@contextlib.asynccontextmanager
async def _sidecar(throttled: Sequence[range]) -> AsyncGenerator[str]:
    """A server that throttles the requests with these numbers."""
    served = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.split(b"content-length:")[1].split(b"\r\n")[0]))
                writer.write(THROTTLED if any(served in numbers for numbers in throttled) else PASSED)
                served += 1
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"{host}:{port}"


async def _provoked(audit_dir: Path, calls: int, *throttled: range) -> Provoked:
    log = Writer(audit_dir)
    log.write(Record(Kind.EVENT, b'{"event":"throttle_released"}'))
    async with _sidecar(throttled) as address:
        clients = Clients(address, address)
        try:
            made = Caller(Issuer(), Issuer(), 1_795_300_000.0).calls(PEOPLE, [UNFAIR] * calls)
            return await provoke(clients, made, lambda: None, audit_dir)
        finally:
            await clients.aclose()


async def test_it_asks_until_it_is_throttled_and_on_until_two_calls_in_a_row_pass(tmp_path: Path) -> None:
    """One call passes in between, as one a second does."""
    held = range(100, 100 + 2 * CONCURRENCY + 1), range(100 + 2 * CONCURRENCY + 2, 100 + 2 * CONCURRENCY + 4)
    provoked = await _provoked(tmp_path / "audit", 1_000, *held)
    statuses = [answer.status for answer in provoked.answers]
    assert 100 - CONCURRENCY <= provoked.before_throttle <= 100
    assert provoked.throttled == statuses.count(429) == sum(map(len, held))
    assert statuses[-CONCURRENCY - 2 :] == [200] * (CONCURRENCY + 2)
    assert provoked.throttled_s > 0


async def test_where_nothing_is_throttled_all_calls_are_made(tmp_path: Path) -> None:
    provoked = await _provoked(tmp_path / "audit", 60)
    assert (len(provoked.answers), provoked.before_throttle, provoked.throttled, provoked.throttled_s) == (60, 60, 0, 0)


async def test_calls_that_run_out_end_the_phase(tmp_path: Path) -> None:
    provoked = await _provoked(tmp_path / "audit", 22, range(4, 1_000))
    assert len(provoked.answers) == 22
