"""Who an exchange is: its ids, and its place in a W3C trace (https://www.w3.org/TR/trace-context/)."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sidecar.model.clock import Clock
    from sidecar.model.endpoint import Endpoint
    from sidecar.model.message import Headers

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Trace Context, section 3.2: version 00 has exactly these four parts, in lower-case hexadecimal. A later
# version may append parts after a dash; version ff is forbidden.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ZERO_TRACE = b"0" * 32
_ZERO_SPAN = b"0" * 16
_ID_BYTES = 16
_IDS_AT_ONCE = 64


class Parent(NamedTuple):
    """What a client's `traceparent` says. `sampled` never decides over audit, only over what we pass on."""

    trace_id: str
    span_id: str
    sampled: bool


def parse_traceparent(value: bytes) -> Parent | None:
    """A `traceparent` header; None where it is malformed, and then a new trace begins (section 3.3)."""
    match = _TRACEPARENT.fullmatch(value)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    if trace_id == _ZERO_TRACE or span_id == _ZERO_SPAN or (version == b"00" and rest is not None):
        return None
    return Parent(trace_id.decode(), span_id.decode(), bool(int(flags, 16) & 1))


class Context(NamedTuple):
    """What all records of one exchange share. `decision_id` is 128 random bits in hexadecimal.

    `parent_span_id` is None at the root of a trace; `endpoint` is None where routing never came to one.
    """

    decision_id: str
    request_id: str
    trace_id: str
    parent_span_id: str | None
    sampled: bool
    started_unix_ns: int
    endpoint: Endpoint | None = None

    @property
    def span_id(self) -> str:
        """Our span's id, derived from the decision id: a repeated export has the same one."""
        return span_id_of(self.decision_id)

    @property
    def traceparent(self) -> bytes:
        """The header for the model server: our span is its parent, the client's sampling is kept."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}".encode()


def span_id_of(decision_id: str) -> str:
    """The first 64 bits of a decision id; an all-zero span id is invalid, so then the last ones."""
    head = decision_id[:16]
    return decision_id[16:] if head == "0" * 16 else head


class DecisionIds:
    """Ids of 128 random bits in hexadecimal, none of which can be guessed or comes twice.

    The system is asked for many at once: for each by itself the interpreter would change threads and come back.
    """

    __slots__ = ("_ready",)

    def __init__(self) -> None:
        self._ready: list[str] = []

    def take(self) -> str:
        """The next one."""
        if not self._ready:
            digits = os.urandom(_ID_BYTES * _IDS_AT_ONCE).hex()
            self._ready = [digits[at : at + 2 * _ID_BYTES] for at in range(0, len(digits), 2 * _ID_BYTES)]
        return self._ready.pop()


def open_context(headers: Headers, clock: Clock, ids: DecisionIds) -> Context:
    """A new exchange's context from the request's headers (none where they could not be read).

    `X-Request-Id` is kept where well formed (contract 6), else it is the decision id. A header sent twice
    is not well formed. A new trace takes the decision id as its trace id, so one finds the other.
    """
    decision_id = ids.take()
    request_ids: list[bytes] = []
    parents: list[bytes] = []
    for name, value in headers:
        if name == b"x-request-id":
            request_ids.append(value)
        elif name == b"traceparent":
            parents.append(value)
    is_kept = len(request_ids) == 1 and _REQUEST_ID.fullmatch(request_ids[0])
    parent = parse_traceparent(parents[0]) if len(parents) == 1 else None
    return Context(
        decision_id=decision_id,
        request_id=request_ids[0].decode() if is_kept else decision_id,
        trace_id=parent.trace_id if parent else decision_id,
        parent_span_id=parent.span_id if parent else None,
        sampled=parent.sampled if parent else True,
        started_unix_ns=clock.unix_ns(),
    )
