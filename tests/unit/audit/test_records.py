from __future__ import annotations

from typing import Any

import orjson
import pytest

from sidecar.audit import records
from sidecar.audit.port import Kind
from sidecar.audit.records import Event, Origin, Result
from sidecar.audit.salts import Salt
from sidecar.model.decision import Decision, Obligation
from sidecar.model.explain import ExplainCall
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from tests.unit.audit.samples import (
    ALLOW,
    BODY,
    DAY,
    DENY,
    NOW_S,
    REQUEST,
    SUBJECT,
    TOKEN_ID,
    context,
    request_question,
    request_shape,
    response_question,
)

SALT = Salt(DAY, bytes(range(32)))
ORIGIN = Origin("opa", "enforce")
IDS = {"decision_id": f"{0xA1:032x}", "request_id": "request-161", "trace_id": "b" * 32}
ALLOWED = {"allow": True, "reasons": [], "shadow": [], "obligations": [], "ttl_s": 5.0}


def body(record: records.Record) -> dict[str, Any]:
    return orjson.loads(record.body)


def opening(**changes: Any) -> dict[str, Any]:
    shape = orjson.loads(orjson.dumps(request_shape()))
    shape["source"]["address"] = "10.1.2.0/24"
    shape["consent"] |= {"subject": SALT.digest(SUBJECT.encode()), "token_id": SALT.digest(TOKEN_ID.encode())}
    return {
        **IDS,
        "parent_span_id": "c" * 16,
        "started_unix_ns": 1_795_300_000_000_000_000,
        "mode": "enforce",
        "request": {"method": "POST", "path": "/v2/models/credit/versions/3/infer"},
        "source": {"address": "10.1.2.0/24"},
        "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": "3"},
        "input": {**shape, "time": {"unix_s": NOW_S}},
        "decision": ALLOWED,
        "policy_revision": "rev-1",
        "engine": "opa",
        "request_digest": SALT.digest(BODY),
        "salt": SALT.name,
        **changes,
    }


def test_an_intent_has_the_whole_input_with_its_people_hidden() -> None:
    record = records.intent(context(), request_question(), ALLOW, REQUEST, salt=SALT, origin=ORIGIN)
    assert (record.kind, record.decision_id) == (Kind.INTENT, IDS["decision_id"])
    assert body(record) == opening(explain=None)
    for hidden in (SUBJECT, TOKEN_ID, "10.1.2.3", "a=secret", BODY.decode()):
        assert hidden.encode() not in record.body


def test_a_token_without_id_or_subject_leaves_null() -> None:
    consent = {**request_shape()["consent"], "subject": None, "token_id": None}
    record = records.intent(context(), request_question(consent=consent), ALLOW, REQUEST, salt=SALT, origin=ORIGIN)
    assert {name: body(record)["input"]["consent"][name] for name in ("subject", "token_id")} == {
        "subject": None,
        "token_id": None,
    }


def test_a_would_deny_that_no_policy_was_asked_about_has_an_intent() -> None:
    record = records.intent(context(), None, DENY, REQUEST, salt=SALT, origin=Origin("opa", "shadow"))
    denied = orjson.loads(orjson.dumps(DENY.as_json()))
    assert body(record) == opening(input=None, decision=denied, engine=None, mode="shadow", explain=None)


def test_an_intent_names_the_explain_call() -> None:
    call = ExplainCall("/v1/models/credit:explain", 250)
    record = records.intent(context(), request_question(), ALLOW, REQUEST, salt=SALT, origin=ORIGIN, explain=call)
    named = {"method": "POST", "path": "/v1/models/credit:explain", "timeout_ms": 250}
    assert body(record) == opening(explain=named)


def test_a_refusal_before_routing_has_what_is_known() -> None:
    refused = Decision(False, "", (Reason("http_malformed", "two Host headers"),))
    record = records.refusal(context(endpoint=None), None, refused, 400, None, salt=SALT, origin=ORIGIN)
    assert (record.kind, record.decision_id) == (Kind.REFUSAL, IDS["decision_id"])
    assert body(record) == opening(
        request=None,
        source=None,
        endpoint=None,
        input=None,
        decision={
            "allow": False,
            "reasons": [{"code": "http_malformed", "message": "two Host headers"}],
            "shadow": [],
            "obligations": [],
            "ttl_s": 0.0,
        },
        policy_revision=None,
        engine=None,
        request_digest=None,
        status=400,
    )


def test_a_refusal_by_policy_has_its_input_and_reasons() -> None:
    record = records.refusal(context(), request_question(), DENY, 403, REQUEST, salt=SALT, origin=ORIGIN)
    assert body(record) == opening(decision=orjson.loads(orjson.dumps(DENY.as_json())), status=403)


def test_a_path_of_any_length_is_cut_and_an_empty_body_has_no_digest() -> None:
    request = REQUEST._replace(path="/" + "x" * 70_000, body=b"")
    record = records.refusal(context(), None, DENY, 404, request, salt=SALT, origin=ORIGIN)
    assert body(record)["request"] == {"method": "POST", "path": "/" + "x" * 255}
    assert body(record)["request_digest"] is None


def test_an_outcome_has_what_the_intent_has_not() -> None:
    record = records.outcome(
        context(),
        Result.RELEASED,
        200,
        salt=SALT,
        question=response_question(),
        decision=ALLOW,
        response_body=b"answer",
        positive=(True, False, True),
        stage_us={"upstream": 812},
    )
    assert (record.kind, record.decision_id) == (Kind.OUTCOME, IDS["decision_id"])
    assert body(record) == {
        **IDS,
        "result": "released",
        "status": 200,
        "input": {
            "phase": "response",
            "time": {"unix_s": NOW_S + 1},
            "prediction": {
                "status": 200,
                "scores": [0.51],
                "labels": ["approve"],
                "features": SALT.digest(b'{"age":2,"income":1}'),
                "explanation": SALT.digest(b'["because"]'),
            },
        },
        "decision": ALLOWED,
        "policy_revision": "rev-1",
        "window": {"state": "insufficient_data"},
        "positive": [0, 2],
        "response_digest": SALT.digest(b"answer"),
        "stage_us": {"upstream": 812},
        "salt": SALT.name,
    }


def test_intent_and_outcome_together_give_the_response_question_again() -> None:
    """But for what is hidden: that is what replay needs."""
    asked = body(records.intent(context(), request_question(), ALLOW, REQUEST, salt=SALT, origin=ORIGIN))
    question = response_question(features=None, explanation=None)
    ended = body(records.outcome(context(), Result.RELEASED, 200, salt=SALT, question=question, decision=ALLOW))
    expected = orjson.loads(question.json)
    expected["source"] = asked["input"]["source"]
    expected["consent"] = asked["input"]["consent"]
    assert {**asked["input"], **ended["input"], "window": ended["window"]} == expected


def empty_outcome(result: str, **changes: Any) -> dict[str, Any]:
    return {
        **IDS,
        "result": result,
        "status": None,
        "input": None,
        "decision": None,
        "policy_revision": None,
        "window": None,
        "positive": None,
        "response_digest": None,
        "stage_us": {},
        "salt": None,
        **changes,
    }


def test_an_outcome_of_an_exchange_that_came_to_nothing() -> None:
    record = records.outcome(context(), Result.ABORTED, None, salt=SALT)
    assert body(record) == empty_outcome("aborted", salt=SALT.name)
    unknown = records.unknown_outcome(IDS["decision_id"], IDS["request_id"], IDS["trace_id"])
    assert (unknown.kind, unknown.decision_id) == (Kind.OUTCOME, IDS["decision_id"])
    assert body(unknown) == empty_outcome("unknown")


def test_summaries_and_events() -> None:
    summary = records.refusal_summary(1, 2, 3, {"b": 1, "a": 2})
    assert (summary.kind, summary.decision_id) == (Kind.REFUSAL_SUMMARY, None)
    assert summary.body == b'{"from_unix_ns":1,"to_unix_ns":2,"count":3,"reasons":{"a":2,"b":1}}'
    event = records.event(Event.REVISION_CHANGED, {"from": "a", "to": "b"})
    assert (event.kind, event.decision_id) == (Kind.EVENT, None)
    assert event.body == b'{"event":"revision_changed","details":{"from":"a","to":"b"}}'


@pytest.mark.parametrize(("message", "kept"), [("x" * 600, "x" * 512), ("é" * 300, "é" * 256), ("€" * 200, "€" * 170)])
def test_messages_are_cut_to_512_bytes_at_a_character(message: str, kept: str) -> None:
    denied = Decision(False, "r", (Reason("a", message, None, message),), (Reason("b", message),))
    decision = body(records.refusal(context(), None, denied, 403, REQUEST, salt=SALT, origin=ORIGIN))["decision"]
    assert decision["reasons"] == [{"code": "a", "message": kept, "remedy": kept}]
    assert decision["shadow"] == [{"code": "b", "message": kept}]


def test_an_intent_or_outcome_that_is_too_large_is_refused() -> None:
    headers = {"method": "POST", "headers": {"x": "y" * 65_535}}
    with pytest.raises(Refused, match="audit_unavailable: the INTENT record is over 65535 bytes"):
        records.intent(context(), request_question(request=headers), ALLOW, REQUEST, salt=SALT, origin=ORIGIN)
    labels = response_question(labels=["y" * 65_535])
    with pytest.raises(Refused, match="audit_unavailable: the OUTCOME record is over 65535 bytes"):
        records.outcome(context(), Result.RELEASED, 200, salt=SALT, question=labels)


def flood() -> Decision:
    reasons = tuple(Reason(f"code_{number:03}", "m" * 512, "rule", "r" * 512) for number in range(200))
    return Decision(False, "rev-1", reasons, reasons, (Obligation("fallback", {"outputs": ["o" * 70_000]}),))


def test_a_refusal_that_is_too_large_is_reduced_but_written() -> None:
    record = records.refusal(context(), request_question(), flood(), 403, REQUEST, salt=SALT, origin=ORIGIN)
    assert len(record.body) < 65_279
    decision = body(record)["decision"]
    assert [len(decision[part]) for part in ("reasons", "shadow", "obligations")] == [16, 16, 0]
    assert body(record) == opening(input=None, decision=decision, status=403, reduced=True)


def test_an_outcome_can_be_reduced_too() -> None:
    record = records.reduced_outcome(context(), flood(), salt=SALT)
    assert len(record.body) < 65_279
    decision = body(record)["decision"]
    assert len(decision["reasons"]) == 16
    assert body(record) == empty_outcome(
        "refused", status=503, decision=decision, policy_revision="rev-1", salt=SALT.name, reduced=True
    )
