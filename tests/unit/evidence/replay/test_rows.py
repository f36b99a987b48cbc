from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit import records
from sidecar.audit.records import Event
from sidecar.evidence.replay.rows import MEANINGS, Found, Pairing, Place, Row, Skipped, Undecided, Why
from sidecar.model.decision import Decision
from sidecar.model.question import ask
from sidecar.model.reasons import Reason
from tests.policies import UNIX_S, shape
from tests.unit.evidence.replay.written import LOG, Book, response_shape

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

REVISION = "0" * 16
ALLOW = Decision(True, REVISION)
STALE = Decision(False, REVISION, (Reason("data_stale", "too old", "staleness"),))
ASKED = ask(shape(), UNIX_S)
ANSWERED = ask(response_shape(shape()), UNIX_S + 1)


def denied(*codes: str) -> Decision:
    """By the sidecar: its reasons name no rule."""
    return Decision(False, REVISION, tuple(Reason(code, "no") for code in codes))


@pytest.fixture
def book(tmp_path: Path) -> Book:
    return Book(tmp_path)


def found(book: Book, records: Sequence[dict[str, Any]] | None = None) -> list[Found]:
    pairing = Pairing()
    return [pairing.take(record) for record in (book.decoded() if records is None else records)]


def test_an_exchange_gives_both_phases_inputs_as_they_were_judged(book: Book) -> None:
    context = book.context()
    book.intent(context, ALLOW, ASKED)
    book.outcome(context, ALLOW, ANSWERED)
    request, response = found(book)
    intent, outcome = book.decoded()
    assert request == Row(
        place=Place(LOG, 0, context.decision_id, "request", "credit", "a"),
        input=intent["input"],
        decision=ALLOW.as_json(),
        revision=REVISION,
        engine="embedded",
        period=intent["salt"],
    )
    assert isinstance(response, Row)
    assert response.place == Place(LOG, 1, context.decision_id, "response", "credit", "a")
    assert response.input == {**intent["input"], **outcome["input"], "window": outcome["window"]}
    assert response.input.keys() == ANSWERED.as_input().keys()
    assert (response.input["phase"], response.input["time"]) == ("response", {"unix_s": UNIX_S + 1})
    assert (response.engine, response.period) == ("embedded", intent["salt"])


def test_a_refusal_by_the_policy(book: Book) -> None:
    book.refusal(book.context(), STALE, ASKED)
    (row,) = found(book)
    assert isinstance(row, Row)
    assert row.decision["reasons"][0]["code"] == "data_stale"


def test_that_the_policy_called_itself_malformed_is_its_own_word(book: Book) -> None:
    book.refusal(book.context(), Decision(False, REVISION, (Reason("policy_malformed", "no such guard", "x"),)), ASKED)
    assert isinstance(found(book)[0], Row)


@pytest.mark.parametrize(
    ("decision", "why"),
    [
        (denied("attribute_conflict"), Why.BY_SIDECAR),
        (denied("model_throttled"), Why.BY_SIDECAR),
        (denied("audit_unavailable"), Why.BY_SIDECAR),
        (denied("policy_timeout"), Why.ENGINE_FAILED_THEN),
        (denied("policy_undefined"), Why.ENGINE_FAILED_THEN),
        (denied("revision_skew"), Why.ENGINE_FAILED_THEN),
        (denied("attribute_conflict", "policy_timeout"), Why.BY_SIDECAR),
    ],
)
def test_what_the_policy_did_not_decide(book: Book, decision: Decision, why: Why) -> None:
    book.refusal(book.context(), decision, ASKED)
    (skipped,) = found(book)
    assert isinstance(skipped, Skipped)
    assert (skipped.why, skipped.detail) == (why, ", ".join(sorted(reason.code for reason in decision.reasons)))
    assert (skipped.place.model, skipped.place.group) == ("credit", "a")


def test_what_was_refused_before_the_policy_was_asked(book: Book) -> None:
    book.refusal(book.context(), denied("body_malformed"), None)
    (skipped,) = found(book)
    assert skipped == Skipped(
        Place(LOG, 0, skipped.place.decision_id, "request", "credit"),  # type: ignore[union-attr]
        Why.BEFORE_POLICY,
        "body_malformed",
    )


def test_a_failure_after_the_intent_is_the_sidecars(book: Book) -> None:
    context = book.context()
    book.intent(context, ALLOW, ASKED)
    book.outcome(context, denied("upstream_timeout"), None)
    assert [type(one) for one in found(book)] == [Row, Skipped]
    assert found(book)[1].why is Why.BY_SIDECAR  # type: ignore[union-attr]


def test_reduced_records_hold_no_input(book: Book) -> None:
    context = book.context()
    book.intent(context, ALLOW, ASKED)
    book.add(records.reduced_outcome(context, denied("audit_unavailable"), salt=book.salts.current()))
    intent, _ = book.decoded()
    reduced = intent | {"kind": "REFUSAL", "input": None, "reduced": True}
    assert [one.why for one in found(book, [book.decoded()[1], reduced])] == [Why.REDUCED] * 2  # type: ignore[union-attr]


def test_a_response_decision_needs_its_intent(book: Book) -> None:
    context = book.context()
    book.intent(context, ALLOW, ASKED)
    book.outcome(context, ALLOW, ANSWERED)
    (skipped,) = found(book, book.decoded()[1:])
    assert skipped == Skipped(Place(LOG, 1, context.decision_id, "response"), Why.NO_INTENT)


def test_what_nobody_decided(book: Book) -> None:
    context = book.context()
    book.intent(context, ALLOW, ASKED)
    book.outcome(context, None, None)
    book.add(records.event(Event.START, {}))
    book.add(records.unknown_outcome(context.decision_id, "r", "b" * 32))
    assert found(book)[1:] == [
        Undecided("OUTCOME without a response decision"),
        Undecided("EVENT"),
        Undecided("OUTCOME without a response decision"),
    ]


def test_a_summary_stands_for_refusals_that_cannot_be_replayed(book: Book) -> None:
    book.add(records.refusal_summary(1, 2, 700, {"body_malformed": 700}))
    assert found(book) == [Skipped(Place(LOG, 0), Why.SUMMARISED)]


def test_open_intents_are_bounded(book: Book) -> None:
    contexts = [book.context()]
    book.intent(contexts[0], ALLOW, ASKED)
    contexts.append(book.context())
    book.intent(contexts[1], ALLOW, ASKED)
    for context in contexts:
        book.outcome(context, ALLOW, ANSWERED)
    pairing = Pairing(open_limit=1)
    seen = [pairing.take(record) for record in book.decoded()]
    assert [getattr(one, "why", None) for one in seen] == [None, None, Why.NO_INTENT, None]


@pytest.mark.parametrize(
    ("groups", "told"), [(["b", "a", "b"], "a,b"), ("a", "a"), (None, "-"), ([], "-"), (["x" * 500], "x" * 64)]
)
def test_groups_are_told_in_short(book: Book, groups: object, told: str) -> None:
    attributes: Any = shape()["attributes"]
    changed = attributes | {"groups": {"value": groups, "status": "present", "source": "claim:group"}}
    book.refusal(book.context(), STALE, ask(shape(attributes=changed), UNIX_S))
    assert found(book)[0].place.group == told  # type: ignore[union-attr]


def test_every_obstacle_has_a_meaning() -> None:
    assert MEANINGS.keys() == set(Why)
