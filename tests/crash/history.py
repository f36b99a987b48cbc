"""What was seen of all exchanges, from three sides: the model server, the clients and the audit log."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request that reached the model server."""

    decision_id: str
    unix_ns: int


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that a client received whole; `codes` are a refusal's reasons."""

    decision_id: str
    status: int
    unix_ns: int
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """What the oracle reads of one audit record; None where the record's kind has no such member."""

    kind: str
    sequence: int
    unix_ns: int
    log: str = "log"
    decision_id: str | None = None
    allows: bool | None = None
    result: str | None = None
    status: int | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class History:
    """All of it; `entries` in the order in which the log was exported."""

    entries: tuple[Entry, ...]
    arrivals: tuple[Arrival, ...] = ()
    answers: tuple[Answer, ...] = ()


def read_entries(records: Iterable[bytes]) -> tuple[Entry, ...]:
    """From records as `sidecar audit export` gives them."""
    return tuple(_entry(orjson.loads(record)) for record in records)


def _entry(record: dict[str, Any]) -> Entry:
    decision = record.get("decision")
    return Entry(
        kind=record["kind"],
        sequence=record["sequence"],
        unix_ns=record["time_unix_ns"],
        log=record["log"],
        decision_id=record.get("decision_id"),
        allows=decision["allow"] if decision else None,
        result=record.get("result"),
        status=record.get("status"),
        count=record.get("count", 0),
    )


def read_arrivals(file: Path) -> tuple[Arrival, ...]:
    """From the lines that `tests.crash.upstream` writes."""
    words = (line.split() for line in file.read_text().splitlines())
    return tuple(Arrival(decision_id, int(unix_ns)) for decision_id, unix_ns in words)
