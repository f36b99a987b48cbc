"""The port of the audit log: what the trail needs of whatever keeps its records."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

RECORD_LIMIT_BYTES = 65_535
"""Contract 7. An entry of a C2SP tlog-tiles bundle has a 16-bit length."""
HEADER_RESERVE_BYTES = 256
"""What the log itself writes before a record's body takes less than this."""


class Kind(enum.StrEnum):
    """Kinds of record (contract 7)."""

    INTENT = "INTENT"
    OUTCOME = "OUTCOME"
    REFUSAL = "REFUSAL"
    REFUSAL_SUMMARY = "REFUSAL_SUMMARY"
    EVENT = "EVENT"


@dataclass(frozen=True, slots=True)
class Record:
    """A record on its way to a log. `body` is a JSON object with at least one member.

    The log puts `v`, `log`, `kind`, `sequence` and `time_unix_ns` before its members and changes nothing.
    """

    kind: Kind
    body: bytes
    decision_id: str | None = None


class AuditLog(Protocol):
    """An append-only log with one writer."""

    @property
    def broken(self) -> str | None:
        """Why nothing can be appended any more (then the process must end, non-zero), or None."""
        ...

    async def append(self, record: Record) -> bytes:
        """Makes a record durable and returns its exact bytes: the leaf.

        Raises `Refused` audit_unavailable when it may not be durable; nothing is retried. Once begun it
        finishes, whatever becomes of the caller: an implementation that suspends holds a cancellation back
        until the record is durable and its caller has it, or an INTENT would stay open.
        """
        ...

    def find(self, decision_id: str) -> list[bytes]:
        """The records of a recent exchange in order; empty where the log no longer has them at hand."""
        ...

    async def aclose(self) -> None:
        """Gives the log back; nothing is appended afterwards."""
        ...
