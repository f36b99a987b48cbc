"""One bundle over HTTP, as OPA asks for it: entity tags, long polling, a token from a file.

By the data path's own client: it follows no redirect, knows no proxy and no environment, is strict about framing, lets
go of a request that waits, and is loaded already. httpx2 would take 4 MiB more, urllib3 a thread for each request that
waits. Source: OPA's documentation, "Bundles".
"""

from __future__ import annotations

import asyncio
import re
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.file_changes import FileChanges
from sidecar.http1.errors import ExchangeFailed
from sidecar.http1.pool import Pool

if TYPE_CHECKING:
    from sidecar.http1.pool import Streamed
    from sidecar.model.clock import Clock
    from sidecar.model.message import Headers
    from sidecar.policy.bundled.config import BundleSpec

LONG_POLLING = b"application/vnd.openpolicyagent.bundles"
"""The media type by which a server says that it takes `Prefer: wait`."""
DOWNLOAD_LIMIT_S = 300.0
"""For all of an answer, once it has begun: a server that trickles holds up no newer bundle for longer."""
TOKEN_LIMIT_BYTES = 64 * 1024
CA_LOOKS_S = 10.0
"""Between two looks at whether the file of authorities has changed."""

_TAG = re.compile(rb'(?:W/)?"[!#-~]{0,256}"')
_TOKEN = re.compile(rb"[!-~]+")


class FetchFailed(Exception):
    """No bundle, and no word that it is still the same. Its text says why, and quotes nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer. `archive` None: what was known is still the one. `waits`: the server can be asked to wait."""

    archive: bytes | None
    tag: bytes
    waits: bool


class Fetcher:
    """For one bundle, one request at a time."""

    def __init__(self, spec: BundleSpec, clock: Clock) -> None:
        self._spec = spec
        self._authorities = None if spec.ca_file is None else FileChanges([spec.ca_file], CA_LOOKS_S, clock.monotonic_s)
        self._pool: Pool | None = None

    async def fetch(self, tag: bytes, wait_s: int | None) -> Fetched:
        """The bundle unless it is the one of `tag` (empty: none is known); raises `FetchFailed`.

        `wait_s`: ask the server to answer only when there is another, or after so long.
        """
        spec = self._spec
        try:
            headers = await asyncio.to_thread(self._headers, tag, wait_s)
            pool = await self._current_pool()
            async with pool.stream(
                b"GET", spec.path.encode(), headers, b"", timeout_s=spec.header_timeout_s + (wait_s or 0)
            ) as answer:
                return await self._read(answer, tag)
        except ExchangeFailed as failure:
            raise FetchFailed(f"{spec.target}: {failure}") from None
        except TimeoutError:
            raise FetchFailed(f"{spec.target}: the answer took longer than {DOWNLOAD_LIMIT_S:g} s") from None
        except OSError as error:
            raise FetchFailed(f"{error.filename or spec.target}: {error.strerror or error}") from None

    async def aclose(self) -> None:
        """Closes the connection."""
        if self._pool is not None:
            await self._pool.aclose()

    async def _read(self, answer: Streamed, tag: bytes) -> Fetched:
        status, fields = answer.head.status, dict(answer.head.headers)
        waits = fields.get(b"content-type", b"").partition(b";")[0].strip() == LONG_POLLING
        if status == 304 and tag:
            return Fetched(None, tag, waits)
        if status != 200:
            what = "a redirect, which is not followed" if 300 <= status < 400 else f"status {status}"
            raise FetchFailed(f"{self._spec.target}: the answer is {what}")
        async with asyncio.timeout(DOWNLOAD_LIMIT_S):
            archive = await self._body(answer)
        found = fields.get(b"etag", b"")
        return Fetched(archive, found if _TAG.fullmatch(found) else b"", waits)

    async def _body(self, answer: Streamed) -> bytes:
        limit_bytes = self._spec.size_limit_bytes
        body = bytearray()
        while part := await answer.part():
            body += part
            if len(body) > limit_bytes:
                raise FetchFailed(f"{self._spec.target}: the bundle is larger than {limit_bytes} bytes")
        return bytes(body)

    async def _current_pool(self) -> Pool:
        """The one connection; another one where authorities have changed. Raises OSError."""
        if self._pool is not None and self._authorities is not None and self._authorities.seen():
            await self._pool.aclose()
            self._pool = None
        if self._pool is None:
            context = await asyncio.to_thread(self._context)
            self._pool = Pool(self._spec.target, max_connections=1, ssl_context=context)
        return self._pool

    def _context(self) -> ssl.SSLContext | None:
        """TLS by the given authorities alone; None for the system's, or where there is no TLS."""
        ca_file = self._spec.ca_file
        if ca_file is None or self._spec.target.scheme != "https":
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=ca_file.read_bytes().decode("ascii", "replace"))
        return context

    def _headers(self, tag: bytes, wait_s: int | None) -> Headers:
        """Raises OSError where the token cannot be read, and `FetchFailed` where it is none."""
        prefer = b"modes=snapshot" if wait_s is None else b"modes=snapshot;wait=%d" % wait_s
        known = ((b"if-none-match", tag),) if tag else ()
        return ((b"user-agent", b"model-policy-sidecar"), (b"prefer", prefer), *known, *self._credentials())

    def _credentials(self) -> Headers:
        token_file = self._spec.token_file
        if token_file is None:
            return ()
        with token_file.open("rb") as file:
            token = file.read(TOKEN_LIMIT_BYTES).strip()
        if not _TOKEN.fullmatch(token):
            raise FetchFailed(f"{token_file}: holds no token")
        return ((b"authorization", b"Bearer " + token),)
