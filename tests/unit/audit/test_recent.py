from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidecar.audit.port import Kind
from sidecar.audit.recent import Place, Recent

LOG = "0" * 32


def place(sequence: int) -> Place:
    return Place(0, 80 + sequence, sequence)


def raw(kind: str, sequence: int, decision_id: str | None = None, time_unix_ns: int = 1) -> bytes:
    ids = f'"decision_id":"{decision_id}",' if decision_id else ""
    return (
        f'{{"v":1,"log":"{LOG}","kind":"{kind}","sequence":{sequence},"time_unix_ns":{time_unix_ns},{ids}"n":1}}'
    ).encode()


def test_the_oldest_decision_is_forgotten_and_what_is_open_never() -> None:
    recent = Recent(limit=2)
    for sequence, (kind, name) in enumerate([("INTENT", "a"), ("INTENT", "b"), ("OUTCOME", "b"), ("REFUSAL", "c")]):
        recent.add(kind, name, place(sequence))
    assert [recent.places(name) for name in "abcd"] == [(), (place(1), place(2)), (place(3),), ()]
    assert (recent.open, recent.oldest_open()) == ({"a": place(0)}, 0)
    recent.add("OUTCOME", "a", place(4))
    assert (recent.open, recent.oldest_open(), recent.places("a")) == ({}, None, (place(4),))


@given(st.lists(st.tuples(st.sampled_from([Kind.INTENT, Kind.OUTCOME]), st.integers(0, 5)), max_size=40))
def test_open_are_the_intents_without_an_outcome_oldest_first(steps: list[tuple[Kind, int]]) -> None:
    recent, model, seen = Recent(limit=1), {}, set[tuple[Kind, int]]()
    for sequence, (kind, number) in enumerate(steps):
        if (kind, number) in seen:  # an exchange has one of each
            continue
        seen.add((kind, number))
        recent.add(kind, str(number), place(sequence))
        if kind is Kind.INTENT:
            model[str(number)] = place(sequence)
        else:
            model.pop(str(number), None)
    assert list(recent.open.items()) == list(model.items())
    assert recent.oldest_open() == min((each.sequence for each in model.values()), default=None)


def test_records_that_were_there_before_are_taken_note_of() -> None:
    recent = Recent()
    assert recent.last_unix_ns() == 0
    a, b = "a" * 32, "b" * 32
    found = [raw("INTENT", 5, a, 11), raw("EVENT", 6, None, 12), raw("REFUSAL", 7, b, 13)]
    for sequence, record in enumerate(found, 5):
        recent(sequence, (3, sequence * 10), record)
    assert (recent.places(a), recent.places(b)) == ((Place(3, 50, 5),), (Place(3, 70, 7),))
    assert (recent.open, recent.last_unix_ns()) == ({a: Place(3, 50, 5)}, 13)
