"""What the first bytes of a record tell, without reading it whole.

    {"v":1,"log":"<32 digits>","kind":"<kind>","sequence":<n>,"time_unix_ns":<n>,"decision_id":"<32 digits>",…

The log writes the head, and an exchange's record has its decision id first (`audit.records`).
"""

from __future__ import annotations

_KIND_AT = len('{"v":1,"log":"') + 32 + len('","kind":"')
_TIME = b',"time_unix_ns":'
_DECISION = b',"decision_id":"'
_HEAD_LIMIT_BYTES = 256


def kind_of(record: bytes) -> str:
    """The record's kind, as `audit.port.Kind` writes it."""
    return record[_KIND_AT : record.index(b'"', _KIND_AT)].decode("ascii")


def time_of(record: bytes) -> int:
    """When it was made, in nanoseconds since the epoch."""
    begin = record.index(_TIME, _KIND_AT) + len(_TIME)
    return int(record[begin : record.index(b",", begin)])


def decision_of(record: bytes) -> str | None:
    """The record's decision id; None for a kind that has none."""
    at = record.find(_DECISION, _KIND_AT, _HEAD_LIMIT_BYTES)
    if at < 0 or record.find(b"{", 1, at) >= 0:
        return None
    begin = at + len(_DECISION)
    return record[begin : begin + 32].decode("ascii")
