"""However a client's bytes are cut into reads, the whole path gives the same answers and sends the same bytes upstream.

Front, exchange, protocols, policy, audit log and connection pool are the real ones; the model server is a socket that
keeps what it receives. Requests are the corpus's: the good one, the hostile ones, several behind each other, damaged.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.http1.pool import Pool
from sidecar.http1.target import Target
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from sidecar.proxy.upstream import Upstream
from tests.budgets import examples
from tests.hostile.case import request
from tests.hostile.corpus import fields, framing, governed, json_bodies, lines, pipelines, targets, upgrades
from tests.hostile.upstream import response
from tests.lab import lab
from tests.property.reads import Client, cut, damaged
from tests.unit.http1.scripted import until

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator
    from pathlib import Path

    from sidecar.proxy.server import StrictProtocol

LONGEST_BYTES = 4_000
CLASSES = (fields, framing, governed, json_bodies, lines, pipelines, targets, upgrades)
HOSTILE = [case.sent for case in itertools.chain.from_iterable(each.CASES for each in CLASSES)]
SENT = st.sampled_from([sent for sent in HOSTILE if len(sent) <= LONGEST_BYTES])
# Two ids are made anew for each exchange; everything else is compared.
ID = re.compile(rb"\b[0-9a-f]{32}\b(-[0-9a-f]{16}-)?")


@dataclasses.dataclass
class WholePath:
    """The whole path without a client socket."""

    front: Front
    received: bytearray

    async def verdict(self, pieces: list[bytes]) -> tuple[bytes, bytes]:
        """What the client and the model server read, of these reads and then the end."""
        self.received.clear()
        client = Client(self.front, HttpLimits())
        for piece in pieces:
            await client.say(piece)
            await asyncio.sleep(0)
        await until(lambda: client.transport.reading.is_set() and not at_work(client.protocol))
        client.end()
        await until(lambda: not at_work(client.protocol))
        return ID.sub(b"ID", await client.leave()), ID.sub(b"ID", bytes(self.received))


def at_work(protocol: StrictProtocol) -> bool:
    """Whether an answer is to come without anything more being read."""
    working = protocol._working
    if working is None or working.response_complete:
        return False
    return working is not protocol._reading or not working.more_body or working.incoming.violation is not None


@contextlib.asynccontextmanager
async def whole_path(folder: Path) -> AsyncGenerator[WholePath]:
    received = bytearray()

    async def model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"\r\ncontent-length: (\d+)", head)
                received.extend(head + await reader.readexactly(int(length[1]) if length else 0))
                writer.write(response())
        writer.close()

    server = await asyncio.start_server(model, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    pool = Pool(Target.parse(f"http://127.0.0.1:{port}"), max_connections=1)
    async with lab(folder) as made:
        exchange = dataclasses.replace(made.exchange, upstream=Upstream(pool))
        try:
            yield WholePath(Front(exchange, HttpLimits()), received)
        finally:
            await pool.aclose()
            server.close()
            await server.wait_closed()


@pytest.fixture(scope="module")
def runner() -> Generator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@pytest.fixture(scope="module")
def path(runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Generator[WholePath]:
    context = whole_path(tmp_path_factory.mktemp("split"))
    yield runner.run(context.__aenter__())
    runner.run(context.__aexit__(None, None, None))


def test_the_good_request_goes_through(runner: asyncio.Runner, path: WholePath) -> None:
    answered, received = runner.run(path.verdict([request()]))
    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.startswith(b"POST /v2/models/credit/infer HTTP/1.1\r\n")
    assert received.endswith(request().partition(b"\r\n\r\n")[2])


def test_byte_by_byte(runner: asyncio.Runner, path: WholePath) -> None:
    pieces = [bytes([byte]) for byte in request()]
    assert runner.run(path.verdict(pieces)) == runner.run(path.verdict([request()]))


@settings(max_examples=examples(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_cut_gives_the_same_answers_and_the_same_bytes(
    runner: asyncio.Runner, path: WholePath, data: st.DataObject
) -> None:
    sent = data.draw(st.lists(st.one_of(SENT, st.just(request())), min_size=1, max_size=3))
    whole = data.draw(damaged(b"".join(sent)))
    pieces = data.draw(cut(whole))
    assert runner.run(path.verdict(pieces)) == runner.run(path.verdict([whole]))
