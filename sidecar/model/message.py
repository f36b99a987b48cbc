"""Transport-neutral messages: what a front hands to the exchange, and what it gets back.

HTTP/1.1 is the first front; gRPC will be a second one over the same exchange.
"""

from __future__ import annotations

from typing import NamedTuple

Headers = tuple[tuple[bytes, bytes], ...]
"""Names in lower case, in the order of the wire, repeats kept."""

Body = bytes | bytearray
"""A whole body. A large one is gathered in a bytearray, so that it is held once; nobody changes it after that."""


class Request(NamedTuple):
    """One whole request. `path` is the raw target's path (ASCII), `query` what followed `?`."""

    method: str
    path: str
    headers: Headers
    body: Body = b""
    query: str = ""
    source_address: str | None = None

    def header_values(self, name: bytes) -> list[bytes]:
        """All values under a lower-case name."""
        return [value for key, value in self.headers if key == name]


class Response(NamedTuple):
    """One whole response: from the upstream, or ours."""

    status: int
    headers: Headers = ()
    body: Body = b""

    def header_values(self, name: bytes) -> list[bytes]:
        """All values under a lower-case name."""
        return [value for key, value in self.headers if key == name]
