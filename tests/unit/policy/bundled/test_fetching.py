"""Against a server that says, to the byte, what a test tells it to."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.bundles.signing import VerifyingKey
from sidecar.http1.target import Target
from sidecar.policy.bundled import fetching
from sidecar.policy.bundled.config import BundleSpec
from sidecar.policy.bundled.fetching import Fetched, Fetcher, FetchFailed
from tests.bundles import key
from tests.certificates import self_signed
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

pytestmark = pytest.mark.anyio

WAITS = b"content-type: application/vnd.openpolicyagent.bundles\r\n"


def answer(status: bytes = b"200 OK", fields: bytes = b"", body: bytes = b"bundle") -> bytes:
    return b"HTTP/1.1 %b\r\ncontent-length: %d\r\n%b\r\n%b" % (status, len(body), fields, body)


@dataclass
class Server:
    """Answers each request with the next of `answers`, the last one for ever, and keeps what was asked."""

    answers: list[bytes]
    asked: list[bytes] = field(default_factory=list[bytes])
    port: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await reader.readuntil(b"\r\n\r\n"):
                self.asked.append(request)
                said = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                writer.write(said)
                await writer.drain()
                if said.endswith(b"<cut>"):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def fields(self) -> dict[str, str]:
        """Of the latest request."""
        lines = self.asked[-1].decode().split("\r\n")[1:-2]
        return dict(line.split(": ", 1) for line in lines)


@asynccontextmanager
async def serving(*answers: bytes, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    made = Server(list(answers))
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0, ssl=tls)
    made.port = listening.sockets[0].getsockname()[1]
    async with listening:
        yield made


@asynccontextmanager
async def fetching_from(server: Server, scheme: str = "http", **changes: Any) -> AsyncGenerator[Fetcher]:
    target = Target.parse(f"{scheme}://127.0.0.1:{server.port}")
    spec = BundleSpec("data", target, "/v1/data.tar.gz", VerifyingKey(key("ours")[1]), "data", **changes)
    fetcher = Fetcher(spec, FixedClock())
    try:
        yield fetcher
    finally:
        await fetcher.aclose()


async def failure(fetcher: Fetcher, tag: bytes = b"") -> str:
    with pytest.raises(FetchFailed) as raised:
        await fetcher.fetch(tag, None)
    return str(raised.value)


async def test_a_bundle_comes_with_its_tag_and_is_asked_for_by_it() -> None:
    said = answer(fields=b'etag: "one"\r\n' + WAITS), answer(b"304 Not Modified", body=b"")
    async with serving(*said) as server, fetching_from(server) as fetcher:
        assert await fetcher.fetch(b"", None) == Fetched(b"bundle", b'"one"', waits=True)
        assert server.asked[0].startswith(b"GET /v1/data.tar.gz HTTP/1.1\r\n")
        assert server.fields() == {
            "host": f"127.0.0.1:{server.port}",
            "user-agent": "model-policy-sidecar",
            "prefer": "modes=snapshot",
        }
        assert await fetcher.fetch(b'"one"', 30) == Fetched(None, b'"one"', waits=False)
        assert server.fields()["if-none-match"] == '"one"'
        assert server.fields()["prefer"] == "modes=snapshot;wait=30"


async def test_a_tag_that_is_none_is_not_sent_back() -> None:
    async with serving(answer(fields=b"etag: no tag\r\n")) as server, fetching_from(server) as fetcher:
        assert (await fetcher.fetch(b"", None)).tag == b""


async def test_the_token_is_read_anew_each_time(tmp_path: Path) -> None:
    token = tmp_path / "token"
    async with serving(answer()) as server, fetching_from(server, token_file=token) as fetcher:
        assert await failure(fetcher) == f"{token}: No such file or directory"
        for text in ("one\n", "two"):
            token.write_text(text)
            await fetcher.fetch(b"", None)
            assert server.fields()["authorization"] == f"Bearer {text.strip()}"
        token.write_text("a b")
        assert await failure(fetcher) == f"{token}: holds no token"
        assert len(server.asked) == 2


FAILURES = {
    "a redirect": (answer(b"302 Found", b"location: http://127.0.0.1/\r\n"), "a redirect, which is not followed"),
    "not found": (answer(b"404 Not Found"), "the answer is status 404"),
    "unchanged, though nothing was known": (answer(b"304 Not Modified", body=b""), "the answer is a redirect"),
    "cut short": (
        b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n<cut>",
        "the connection ended before the response was complete",
    ),
    "no HTTP": (b"SSH-2.0\r\n\r\n<cut>", "127.0.0.1"),
    "too much": (answer(body=bytes(1001)), "the bundle is larger than 1000 bytes"),
    "too much in chunks": (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3e9\r\n" + bytes(1001) + b"\r\n0\r\n\r\n",
        "the bundle is larger than 1000 bytes",
    ),
    "silence": (b"", "no response in time"),
    "a body that does not come": (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", "no response in time"),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_an_answer_that_is_no_bundle_fails(case: str) -> None:
    said, why = FAILURES[case]
    limits = {"size_limit_bytes": 1000, "header_timeout_s": 0.1 if "no response" in why else 10}
    async with serving(said) as server, fetching_from(server, **limits) as fetcher:
        assert why in await failure(fetcher)


async def test_a_failure_leaves_the_next_request_alone() -> None:
    async with serving(FAILURES["cut short"][0], answer()) as server, fetching_from(server) as fetcher:
        await failure(fetcher)
        assert (await fetcher.fetch(b"", None)).archive == b"bundle"


async def test_a_server_that_trickles_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "DOWNLOAD_LIMIT_S", 0.05)
    said = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx"
    async with serving(said) as server, fetching_from(server) as fetcher:
        assert "took longer than 0.05 s" in await failure(fetcher)


async def test_a_server_that_is_away_fails() -> None:
    async with serving(answer()) as server:
        pass
    async with fetching_from(server) as fetcher:
        assert await failure(fetcher) == f"http://127.0.0.1:{server.port}: no connection: ConnectionRefusedError"


async def test_tls_is_verified_by_the_given_authority_also_when_it_changes(tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
    certificate, private = self_signed(tmp_path / "ours")
    theirs, _ = self_signed(tmp_path / "theirs")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, private)
    authorities = tmp_path / "ca.pem"
    authorities.write_bytes(theirs.read_bytes())
    async with serving(answer(), tls=tls) as server, fetching_from(server, "https", ca_file=authorities) as fetcher:
        assert "no connection: SSLCertVerificationError" in await failure(fetcher)
        authorities.write_bytes(certificate.read_bytes())
        fetcher._authorities._looked_s = float("-inf")  # type: ignore[union-attr] - it is time to look
        assert (await fetcher.fetch(b"", None)).archive == b"bundle"


async def test_a_file_of_authorities_that_is_not_there_is_told(tmp_path: Path) -> None:
    absent = tmp_path / "absent.pem"
    async with serving(answer()) as server, fetching_from(server, "https", ca_file=absent) as fetcher:
        assert await failure(fetcher) == f"{absent}: No such file or directory"
        absent.write_text("no certificate")
        assert "no start line" in await failure(fetcher)
