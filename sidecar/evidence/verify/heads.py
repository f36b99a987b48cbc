"""How a record begins (contract 7), as expressions: what is damaged is no JSON any more, and parsing takes long.

    {"v":1,"log":"<32 digits>","kind":"<KIND>","sequence":<n>,"time_unix_ns":<n>,…

`audit.heads` reads the same of records that are known to be whole.
"""

from __future__ import annotations

import re

from sidecar.audit.port import Kind

MARK = b'{"v":1,"log":"'
"""Where a record may begin, of whichever log."""
_HEAD = (
    rb'\{"v":1,"log":"(?P<log>%s)","kind":"(?P<kind>%s)",'
    rb'"sequence":(?P<sequence>\d{1,20}),"time_unix_ns":(?P<time>\d{1,20}),'
)
_ANY = re.compile(_HEAD % (b"[0-9a-f]{32}", b"[A-Z_]+"))
_OF_EXCHANGES = (Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL)


def claimed_time(record: bytes) -> int | None:
    """The time in a record's head, if that can be read at all."""
    found = _ANY.match(record)
    return int(found["time"]) if found else None


def claimed_log(record: bytes) -> str | None:
    """The log in a record's head, if that can be read at all."""
    found = _ANY.match(record)
    return found["log"].decode() if found else None


def exchange_heads(log_id: str) -> re.Pattern[bytes]:
    """How a log's records of exchanges begin; the group `decision` is the decision id."""
    return _heads(log_id, _OF_EXCHANGES, rb'"decision_id":"(?P<decision>[0-9a-f]{32})"')


def other_heads(log_id: str) -> re.Pattern[bytes]:
    """How all others begin."""
    return _heads(log_id, tuple(kind for kind in Kind if kind not in _OF_EXCHANGES), b'"')


def _heads(log_id: str, kinds: tuple[Kind, ...], then: bytes) -> re.Pattern[bytes]:
    return re.compile(_HEAD % (log_id.encode(), "|".join(kinds).encode()) + then)
