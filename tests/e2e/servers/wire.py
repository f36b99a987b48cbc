"""One HTTP call, and what is compared of two answers."""

from __future__ import annotations

import http.client
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.process import WAIT_TIMEOUT_S, Answer

if TYPE_CHECKING:
    from collections.abc import Mapping

# Hop-by-hop headers (RFC 9110 7.6.1), and the framing, which each hop makes its own.
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_OURS = {"x-decision-id", "x-policy-revision", "x-request-id"}
_APART = _HOP_BY_HOP | _OURS | {"date"}

# What a server makes anew for each call, and cannot be told: fakellm's id and time, and the time in MLServer's gzip
# header (RFC 1952 2.3.1: MTIME).
_ID = re.compile(rb'"id": ?"chatcmpl-[0-9a-f]{12}"|"created": ?\d{10}')
_MTIME = re.compile(rb"\A(\x1f\x8b\x08.)....", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Compared:
    """What of an answer does not depend on the way that it took."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def compared(answer: Answer) -> Compared:
    headers = [(name.lower(), value) for name, value in answer.headers.items()]
    kept = sorted(field for field in headers if field[0] not in _APART)
    return Compared(answer.status, kept, _MTIME.sub(rb"\1", _ID.sub(b"", answer.body)))


def call(url: str, path: str, body: bytes | None, headers: Mapping[str, str], method: str = "POST") -> Answer:
    """Sends exactly these headers besides Host and Content-Length."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WAIT_TIMEOUT_S)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return Answer(response.status, _joined(response), response.read())
    finally:
        connection.close()


def _joined(response: http.client.HTTPResponse) -> dict[str, str]:
    joined: dict[str, Any] = {}
    for name, value in response.getheaders():
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined
