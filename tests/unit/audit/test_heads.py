from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.audit.heads import decision_of, kind_of, time_of
from sidecar.audit.port import Kind

u64 = st.integers(0, 2**63 - 1)
json = st.text(max_size=20) | st.dictionaries(st.sampled_from(["n", "decision_id"]), st.text(max_size=20))


def raw(kind: Kind, sequence: int, time_unix_ns: int, members: dict[str, object]) -> bytes:
    """A record as the log writes it."""
    head = b'{"v":1,"log":"%s","kind":"%s","sequence":%d,"time_unix_ns":%d,'
    return head % (b"f" * 32, kind.encode(), sequence, time_unix_ns) + orjson.dumps(members)[1:]


@given(
    st.sampled_from(Kind),
    u64,
    u64,
    st.none() | st.integers(0, 2**128 - 1),
    st.dictionaries(st.text(max_size=9), json, max_size=3),
)
def test_a_head_tells_what_the_whole_record_does(
    kind: Kind, sequence: int, time_unix_ns: int, number: int | None, members: dict[str, object]
) -> None:
    members.pop("decision_id", None)
    ids = {} if number is None else {"decision_id": f"{number:032x}"}
    record = raw(kind, sequence, time_unix_ns, {**ids, "n": 1, **members})
    assert kind_of(record) == orjson.loads(record)["kind"]
    assert (decision_of(record), time_of(record)) == (ids.get("decision_id"), time_unix_ns)


@pytest.mark.parametrize(
    "members",
    [
        {"event": "start", "details": {"n": 1, "decision_id": "a" * 32}},
        {"event": '","decision_id":"' + "a" * 32},
        {"details": {"decision_id": "a" * 32}},
    ],
)
def test_a_decision_inside_of_another_member_is_not_the_records(members: dict[str, object]) -> None:
    assert decision_of(raw(Kind.EVENT, 1, 2, members)) is None
