"""What is on record beside exchanges (EVENT, REFUSAL_SUMMARY) as log records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sidecar.audit.port import Kind
from sidecar.telemetry import spans as names

if TYPE_CHECKING:
    from collections.abc import Mapping

SUMMARY_MEMBERS = ("from_unix_ns", "to_unix_ns", "count", "reasons")


@dataclass(frozen=True, slots=True)
class LogData:
    """A log record before it is encoded; `body` is JSON's kind of object."""

    event_name: str
    unix_ns: int
    body: Mapping[str, Any]
    attributes: Mapping[str, str | int]


def read_log_record(record: Mapping[str, Any]) -> LogData:
    """From an EVENT or a REFUSAL_SUMMARY. Raises KeyError or TypeError for a record that is neither."""
    if record["kind"] == Kind.EVENT:
        name = names.HAPPENED.name.format(event=record["event"])
        body: Mapping[str, Any] = record["details"]
    else:
        name = names.SUMMARISED.name
        body = {member: record[member] for member in SUMMARY_MEMBERS}
    key = {names.AUDIT_LOG.name: record["log"], names.AUDIT_SEQUENCE.name: record["sequence"]}
    return LogData(name, record["time_unix_ns"], body, key)
