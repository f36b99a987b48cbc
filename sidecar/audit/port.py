"""The port of the audit log: what the trail needs of whatever keeps its records."""

from __future__ import annotations

import enum
from typing import NamedTuple, Protocol

HEADER_RESERVE_BYTES = 256
"""What the log itself writes before a record's body takes less than this."""


class Kind(enum.StrEnum):
    """Kinds of record (contract 7)."""

    INTENT = "INTENT"
    OUTCOME = "OUTCOME"
    REFUSAL = "REFUSAL"
    REFUSAL_SUMMARY = "REFUSAL_SUMMARY"
    EVENT = "EVENT"


class Record(NamedTuple):
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

    async def append(self, record: Record) -> None:
        """Returns when a record is durable.

        Raises `Refused` audit_unavailable where it may not be; nothing is retried. Once begun it finishes,
        whatever becomes of the caller: a cancellation is held back until the record is durable and its caller
        knows, or an INTENT would stay open.
        """
        ...

    def find(self, decision_id: str) -> list[bytes]:
        """The records of a recent exchange in order; empty where the log no longer has them at hand."""
        ...

    async def aclose(self) -> None:
        """Gives the log back; nothing is appended afterwards."""
        ...
