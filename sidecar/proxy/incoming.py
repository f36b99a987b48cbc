"""What the strict protocol and the front tell each other of one incoming request, and the limits of both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.http1.rules import HEADER_COUNT_LIMIT, HEADER_SECTION_LIMIT_BYTES, malformed
from sidecar.model.reasons import Reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.http1.rules import Framing
    from sidecar.proxy.client import StreamingClient

EXTENSION = "sidecar.incoming"
"""The key in `scope["extensions"]` under which an `Incoming` travels."""

ENDED = malformed("the connection ended before the request was complete")
SLOW = Reason("request_timeout", "the request was not complete in time")
CROWDED = Reason("overloaded", "too many connections")
BUSY = Reason("overloaded", "too many requests, or too many bytes of them, in flight")
STOPPING = Reason("shutting_down", "the sidecar is stopping")
FAILED = Reason("sidecar_failed", "the sidecar failed; its log says why")
BODY_TOO_LARGE = Reason("body_too_large", "the body is over the limit")


@dataclass(frozen=True, slots=True)
class HttpLimits:
    """Bounds on what clients may send, and how slowly.

    Requests without a body are never refused for load: probes must pass, or a busy model is restarted.
    """

    body_limit_bytes: int = 8 * 1024 * 1024
    body_budget_bytes: int = 256 * 1024 * 1024
    """Bodies in memory, of all requests together."""
    max_in_flight: int = 512
    """Requests with a body at work at the same time."""
    max_connections: int = 1_024
    """Beyond it requests with a body are refused; beyond twice as many, connections are dropped unheard."""
    header_section_limit_bytes: int = HEADER_SECTION_LIMIT_BYTES
    header_count_limit: int = HEADER_COUNT_LIMIT
    head_timeout_s: float = 10.0
    """From a head's first byte to its last; also from a new connection to its first byte."""
    body_timeout_s: float = 30.0
    """From a head's last byte to the body's."""
    write_timeout_s: float = 60.0
    """For a client to take what has been waiting for it; then the connection is cut off, and its memory is free."""
    keep_alive_timeout_s: float = 75.0
    """Between requests: above the 60 s of common load balancers, so that they close first."""
    keep_alive_time_s: float = math.inf
    """From a connection's first moment; the answer that comes later is its last, and says so (RFC 9112 9.6). As nginx's
    `keepalive_time`, it has clients find those that took this one's place."""


def _not_yet() -> None:
    raise RuntimeError("no connection is known yet")


class Incoming:
    """One request as the protocol sees it, while the front works on it.

    `framing` is None where the head was refused; `violation` says why, and may also come while the body is
    read. `may_abandon` is the front's word that its task may be cancelled when the client goes away (`lost`).
    `client` takes a streamed answer, and `cut` ends the connection of one that broke off, without its end.
    """

    __slots__ = ("client", "cut", "framing", "lost", "may_abandon", "violation")

    def __init__(self, framing: Framing | None, violation: Reason | None = None) -> None:
        self.framing = framing
        self.violation = violation
        self.may_abandon = False
        self.lost = False
        self.client: StreamingClient | None = None
        self.cut: Callable[[], None] = _not_yet

    def let_go(self) -> None:
        """Of the connection, which holds this: else both, and the request's fields, wait for the garbage collector."""
        self.client = None
        self.cut = _not_yet
