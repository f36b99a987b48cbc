from __future__ import annotations

import pytest

from sidecar.audit.port import Kind
from sidecar.evidence.verify.heads import claimed_log, claimed_time, exchange_heads, other_heads
from sidecar.ledger.reading import record_mark

LOG, DECISION = "ab" * 16, "cd" * 16
EXCHANGES = {Kind.INTENT, Kind.OUTCOME, Kind.REFUSAL}


def record(kind: str, member: str = f'"decision_id":"{DECISION}"', *, log: str = LOG) -> bytes:
    return record_mark(log) + f'"kind":"{kind}","sequence":7,"time_unix_ns":99,{member}}}'.encode()


@pytest.mark.parametrize("kind", Kind)
def test_a_head_says_what_record_it_is(kind: Kind) -> None:
    found = (exchange_heads if kind in EXCHANGES else other_heads)(LOG).match(record(kind))
    assert found is not None
    assert (found["kind"], found["sequence"], found["time"]) == (kind.encode(), b"7", b"99")
    assert kind not in EXCHANGES or found["decision"] == DECISION.encode()
    assert (claimed_log(record(kind)), claimed_time(record(kind))) == (LOG, 99)


@pytest.mark.parametrize(
    "other",
    [
        record(Kind.EVENT),
        record("INTENTS"),
        record(Kind.INTENT, log="ef" * 16),
        record(Kind.INTENT, '"request_id":"r"'),
        record(Kind.INTENT).replace(b":7,", b": 7,"),
    ],
)
def test_nothing_else_begins_as_a_record_of_an_exchange(other: bytes) -> None:
    assert exchange_heads(LOG).match(other) is None


def test_of_a_damaged_record_nothing_is_claimed() -> None:
    assert (claimed_log(b"?" + record(Kind.EVENT)), claimed_time(record(Kind.EVENT)[:80])) == (None, None)
