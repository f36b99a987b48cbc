from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from sidecar.app.probing import AT_ONCE, Prober
from sidecar.settings.probes import HttpProbe, Probe, TcpProbe
from tests.certificates import self_signed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.anyio


class Model:
    """A server that answers with these bytes, whole requests in `asked`."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.port = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.asked.append(await reader.readuntil(b"\r\n\r\n"))
            await self.may_answer.wait()
            writer.write(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):  # it only connected
            pass
        finally:
            writer.close()


@asynccontextmanager
async def model(answer: bytes = b"HTTP/1.1 200 OK\r\n\r\n", tls: ssl.SSLContext | None = None) -> AsyncGenerator[Model]:
    made = Model(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


async def probed(probe: Probe) -> str | None:
    return await Prober({"model/liveness": probe}).probes["model/liveness"]()


def over_http(port: int, timeout_s: float = 10) -> Probe:
    return Probe(http=HttpProbe(port=port), timeout_s=timeout_s)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", None),
        (b"HTTP/1.0 204\r\n\r\n", None),
        (b"HTTP/1.1 302 Found\r\nLocation: http://elsewhere/\r\n\r\n", None),
        (b"HTTP/1.1 399 \r\n\r\n", None),
        (b"HTTP/1.1 404 secret text\r\n\r\n", "answered 404"),
        (b"HTTP/1.1 503 x\r\n\r\n", "answered 503"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "answered 100"),
        (b"HTTP/1.1 2000 x\r\n\r\n", "no answer in HTTP"),
        (b"SSH-2.0-secret\r\n", "no answer in HTTP"),
        (b"", "no answer in HTTP"),
        (b"x" * 10_000, "no answer: ValueError"),
    ],
)
async def test_an_http_probe_tells_well_from_ill_and_nothing_else(answer: bytes, problem: str | None) -> None:
    async with model(answer) as server:
        assert await probed(over_http(server.port)) == problem


async def test_an_http_probe_asks_as_the_kubelet_would(tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*self_signed(tmp_path))
    headers = (("host", "model.example"), ("X-Token", "a b"))
    async with model(tls=tls) as server:
        probe = HttpProbe(port=server.port, path="/v2/health/live?x=1", scheme="HTTPS", headers=headers)
        assert await probed(Probe(http=probe)) is None
    assert server.asked == [
        b"GET /v2/health/live?x=1 HTTP/1.1\r\nUser-Agent: kube-probe/sidecar\r\nAccept: */*\r\n"
        b"host: model.example\r\nX-Token: a b\r\nConnection: close\r\n\r\n"
    ]


async def test_a_tcp_probe_connects() -> None:
    async with model() as server:
        assert await probed(Probe(tcp=TcpProbe(port=server.port))) is None


async def test_a_server_that_is_not_there_is_ill() -> None:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port = bound.getsockname()[1]
    for probe in (over_http(port), Probe(tcp=TcpProbe(port=port))):
        assert await probed(probe) == "no answer: ConnectionRefusedError"


async def test_a_server_that_hangs_is_ill_and_only_so_many_are_asked_at_once() -> None:
    async with model() as server:
        server.may_answer.clear()
        ask = Prober({"model/liveness": over_http(server.port, timeout_s=1)}).probes["model/liveness"]
        answers = await asyncio.gather(*(ask() for _ in range(AT_ONCE + 1)))
        assert answers == ["no answer within 1 s"] * AT_ONCE + [f"{AT_ONCE} probes are under way already"]
        assert len(server.asked) == AT_ONCE
        server.may_answer.set()
        assert await ask() is None
