"""The oracle is silent on a history that lost nothing, and names each breach in one that did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.crash.history import Answer, Arrival, Entry, History
from tests.crash.oracle import NO_DECISION, Breach, Rule, breaches

START = Entry("EVENT", 0, 10)
INTENT = Entry("INTENT", 1, 20, decision_id="a", allows=True)
REFUSAL = Entry("REFUSAL", 2, 30, decision_id="b", allows=False, status=403)
OUTCOME = Entry("OUTCOME", 3, 40, decision_id="a", allows=True, result="released", status=200)
CUT = Entry("INTENT", 4, 50, decision_id="c", allows=True)
CLOSED = Entry("OUTCOME", 5, 60, decision_id="c", result="unknown")
SUMMARY = Entry("REFUSAL_SUMMARY", 6, 70, count=1)
ENTRIES = (START, INTENT, REFUSAL, OUTCOME, CUT, CLOSED, SUMMARY)
A_ARRIVED, C_ARRIVED = Arrival("a", 25), Arrival("c", 55)
A_ANSWERED, B_ANSWERED = Answer("a", 200, 45), Answer("b", 403, 35, ("data_stale",))
COUNTED = Answer("d", 400, 65, ("body_malformed",))
GOOD = History(ENTRIES, (A_ARRIVED, C_ARRIVED), (A_ANSWERED, B_ANSWERED, COUNTED))


def in_order(*entries: Entry) -> tuple[Entry, ...]:
    """The entries numbered anew."""
    return tuple(replace(entry, sequence=number) for number, entry in enumerate(entries))


def without(entry: Entry) -> History:
    """The good history, and one record lost without a gap."""
    return replace(GOOD, entries=in_order(*(each for each in ENTRIES if each is not entry)))


def with_changed(entry: Entry, **members: object) -> History:
    """The good history, and one record that says something else."""
    changed = replace(entry, **members)  # type: ignore[arg-type]
    return replace(GOOD, entries=tuple(changed if each is entry else each for each in ENTRIES))


def with_more(*entries: Entry) -> History:
    return replace(GOOD, entries=in_order(*ENTRIES, *entries))


def test_nothing_is_wrong_with_a_good_history() -> None:
    assert breaches(GOOD) == []


def test_an_empty_history_is_good() -> None:
    assert breaches(History(())) == []


def test_two_logs_have_each_their_own_sequence() -> None:
    other = replace(START, log="other")
    assert breaches(replace(GOOD, entries=(*ENTRIES, other))) == []


LOST_INTENT = without(INTENT)
BREACHES: list[tuple[str, History, list[Breach]]] = [
    ("the first record is lost", replace(GOOD, entries=ENTRIES[1:]), [Breach(Rule.SEQUENCE, "log 1")]),
    (
        "a record is lost and leaves a gap",
        replace(GOOD, entries=(*ENTRIES[:-1], replace(START, sequence=7))),
        [Breach(Rule.SEQUENCE, "log 7"), Breach(Rule.ANSWERED_UNRECORDED, "d")],
    ),
    (
        "a sequence number stands twice",
        replace(GOOD, entries=(*ENTRIES, replace(START, sequence=6))),
        [Breach(Rule.SEQUENCE, "log 6")],
    ),
    ("an INTENT stands twice", with_more(INTENT), [Breach(Rule.REPEATED, "a")]),
    ("an OUTCOME stands twice", with_more(OUTCOME), [Breach(Rule.REPEATED, "a")]),
    ("a REFUSAL stands twice", with_more(REFUSAL), [Breach(Rule.REPEATED, "b")]),
    (
        "an INTENT and a REFUSAL",
        with_more(Entry("REFUSAL", 0, 40, decision_id="a", status=403)),
        [Breach(Rule.INTENT_AND_REFUSAL, "a")],
    ),
    ("a crash left an INTENT open", without(CLOSED), [Breach(Rule.OPEN, "c")]),
    (
        "an INTENT is lost",
        LOST_INTENT,
        [Breach(Rule.UNOPENED, "a"), Breach(Rule.FORWARDED_UNRECORDED, "a")],
    ),
    (
        "an OUTCOME before its INTENT",
        replace(GOOD, entries=in_order(START, REFUSAL, OUTCOME, INTENT, CUT, CLOSED, SUMMARY)),
        [Breach(Rule.UNOPENED, "a")],
    ),
    ("a denied request is forwarded", with_changed(INTENT, allows=False), [Breach(Rule.FORWARDED_UNRECORDED, "a")]),
    (
        "a request never recorded is forwarded",
        replace(GOOD, arrivals=(*GOOD.arrivals, Arrival("e", 80))),
        [Breach(Rule.FORWARDED_UNRECORDED, "e")],
    ),
    (
        "a refused request is forwarded",
        replace(GOOD, arrivals=(*GOOD.arrivals, Arrival("b", 80))),
        [Breach(Rule.FORWARDED_UNRECORDED, "b")],
    ),
    (
        "forwarded before the INTENT",
        replace(GOOD, arrivals=(replace(A_ARRIVED, unix_ns=19), C_ARRIVED)),
        [Breach(Rule.FORWARDED_EARLY, "a")],
    ),
    (
        "forwarded twice",
        replace(GOOD, arrivals=(*GOOD.arrivals, replace(A_ARRIVED, unix_ns=26))),
        [Breach(Rule.FORWARDED_TWICE, "a")],
    ),
    ("released, never forwarded", replace(GOOD, arrivals=(C_ARRIVED,)), [Breach(Rule.NEVER_FORWARDED, "a")]),
    (
        "an OUTCOME is lost that a client has seen",
        without(OUTCOME),
        [Breach(Rule.OPEN, "a"), Breach(Rule.ANSWERED_UNRECORDED, "a")],
    ),
    (
        "such an OUTCOME is lost, and the next start says unknown",
        with_changed(OUTCOME, result="unknown", status=None),
        [Breach(Rule.ANSWERED_OTHERWISE, "a")],
    ),
    ("another status is on record", with_changed(REFUSAL, status=400), [Breach(Rule.ANSWERED_OTHERWISE, "b")]),
    ("answered before the OUTCOME", with_changed(OUTCOME, unix_ns=46), [Breach(Rule.ANSWERED_EARLY, "a")]),
    ("answered before the REFUSAL", with_changed(REFUSAL, unix_ns=36), [Breach(Rule.ANSWERED_EARLY, "b")]),
    (
        "more refusals than a summary counts",
        replace(GOOD, answers=(*GOOD.answers, replace(COUNTED, decision_id="e"))),
        [Breach(Rule.ANSWERED_UNRECORDED, "e")],
    ),
    (
        "a summary does not count a prediction",
        replace(GOOD, answers=(A_ANSWERED, B_ANSWERED, Answer("e", 200, 80))),
        [Breach(Rule.ANSWERED_UNRECORDED, "e")],
    ),
]


@pytest.mark.parametrize(("history", "expected"), [case[1:] for case in BREACHES], ids=[case[0] for case in BREACHES])
def test_each_breach_is_named(history: History, expected: list[Breach]) -> None:
    assert breaches(history) == expected


def test_each_rule_is_broken_somewhere_above() -> None:
    assert {breach.rule for _, _, expected in BREACHES for breach in expected} == set(Rule)


UNAVAILABLE = Answer("x", 503, 90, ("audit_unavailable",))


@pytest.mark.parametrize("answer", [UNAVAILABLE, Answer(NO_DECISION, 503, 90, ("shutting_down",))])
def test_what_could_not_be_recorded_need_not_be(answer: Answer) -> None:
    assert breaches(replace(GOOD, answers=(*GOOD.answers, answer))) == []


@pytest.mark.parametrize(
    "answer",
    [
        replace(UNAVAILABLE, status=200),
        replace(UNAVAILABLE, codes=("overloaded",)),
        Answer(NO_DECISION, 200, 90),
    ],
)
def test_anything_else_must_be(answer: Answer) -> None:
    history = History(in_order(START, INTENT, OUTCOME), (A_ARRIVED,), (A_ANSWERED, answer))
    assert breaches(history) == [Breach(Rule.ANSWERED_UNRECORDED, answer.decision_id)]
