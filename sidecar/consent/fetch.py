"""One HTTPS GET for a key set: bounded in time and size, no redirect, no proxy, no cookie.

It blocks: call it from a thread.
"""

from __future__ import annotations

import http.client
import ssl
import time
from urllib.parse import urlsplit

JWKS_LIMIT_BYTES = 1 << 20
FETCH_TIMEOUT_S = 5.0
_CHUNK_BYTES = 65_536


class FetchError(OSError):
    """The key set could not be fetched; the message says why."""


def https_get(url: str, *, timeout_s: float = FETCH_TIMEOUT_S, context: ssl.SSLContext | None = None) -> bytes:
    """The body of a 200 answer; raises `FetchError`. `context` defaults to the system's authorities."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise FetchError(f"{url!r} is not an https:// URL")
    deadline_s = time.monotonic() + timeout_s
    connection = http.client.HTTPSConnection(
        parts.hostname, parts.port, timeout=timeout_s, context=context or ssl.create_default_context()
    )
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "application/json"})
        return _read(connection.getresponse(), deadline_s)
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"the key set cannot be fetched: {error}") from error
    finally:
        connection.close()


def _read(response: http.client.HTTPResponse, deadline_s: float) -> bytes:
    if response.status != 200:
        # A redirect is refused as well: it would let the first host choose whose keys we trust.
        raise FetchError(f"status {response.status}")
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > JWKS_LIMIT_BYTES:
            raise FetchError(f"more than {JWKS_LIMIT_BYTES} bytes")
        if time.monotonic() > deadline_s:
            raise FetchError("too slow")
    return bytes(body)
