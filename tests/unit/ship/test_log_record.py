from __future__ import annotations

import pytest

from sidecar.ship.log_record import LogData, read_log_record
from sidecar.telemetry import spans as names
from tests.unit.ship.ledgers import START_NS, event, summary

PLACE = {"log": "a" * 32, "sequence": 7, "time_unix_ns": START_NS}
KEY = {"sidecar.audit.log": "a" * 32, "sidecar.audit.sequence": 7}


def test_an_event() -> None:
    record = {**PLACE, **event("revision_changed", revision="rev-2", problems=[])}
    expected = LogData("sidecar.revision_changed", START_NS, {"revision": "rev-2", "problems": []}, KEY)
    assert read_log_record(record) == expected


def test_a_summary() -> None:
    body = {"from_unix_ns": START_NS, "to_unix_ns": START_NS + 1, "count": 3, "reasons": {"body_malformed": 3}}
    assert read_log_record({**PLACE, **summary(3)}) == LogData("sidecar.refusals_summarised", START_NS, body, KEY)


def test_what_is_emitted_is_what_is_registered() -> None:
    for registered, body in ((names.HAPPENED, event("stop")), (names.SUMMARISED, summary())):
        made = read_log_record({**PLACE, **body})
        assert made.event_name == registered.name.format(event="stop")
        assert set(made.attributes) == {attribute.name for attribute in registered.attributes}


def test_another_kind_is_refused() -> None:
    with pytest.raises(KeyError):
        read_log_record({**PLACE, "kind": "LATER"})
