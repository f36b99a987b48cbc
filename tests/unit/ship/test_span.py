from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from sidecar.audit import records
from sidecar.audit.records import Origin, Result
from sidecar.audit.salts import Salt
from sidecar.model.decision import Decision, Obligation
from sidecar.model.reasons import Reason
from sidecar.ship.span import SpanData, SpanEvent, read_span
from sidecar.telemetry import spans as names
from tests.unit.audit.samples import (
    ALLOW,
    DAY,
    DENY,
    OUT_OF_BAND,
    REQUEST,
    context,
    request_question,
    response_question,
)

if TYPE_CHECKING:
    from sidecar.audit.port import Record
    from sidecar.model.message import Request

SALT = Salt(DAY, bytes(32))
ORIGIN = Origin("opa", "enforce")
LOG = "e" * 32
START_NS = 1_795_300_000_000_000_000
STAGES = {
    "request_decision": 90,
    "intent": 20,
    "upstream": 812,
    "explain": 40,
    "response_decision": 80,
    "outcome": 5,
    "new": 1,
}


def line(record: Record, sequence: int, time_unix_ns: int) -> dict[str, Any]:
    """A record as the log has it."""
    head = {"log": LOG, "kind": record.kind.value, "sequence": sequence, "time_unix_ns": time_unix_ns}
    return head | orjson.loads(record.body)


def forwarded(
    decision: Decision = ALLOW, response: Decision = ALLOW, status: int = 200, request: Request = REQUEST
) -> SpanData:
    opening = records.intent(context(), request_question(), decision, request, salt=SALT, origin=ORIGIN)
    closing = records.outcome(
        context(),
        Result.RELEASED if response.allow else Result.REFUSED,
        status,
        salt=SALT,
        question=response_question(),
        decision=response,
        stage_us=STAGES,
    )
    return read_span(line(opening, 6, START_NS + 1_000), line(closing, 7, START_NS + 2_000))


def test_a_forwarded_exchange() -> None:
    decided = {"sidecar.phase": "request", "sidecar.decision": "allow", "sidecar.policy.revision": "rev-1"}
    assert forwarded() == SpanData(
        name="POST infer",
        trace_id="b" * 32,
        span_id="0" * 14 + "a1",
        parent_span_id="c" * 16,
        start_unix_ns=START_NS,
        end_unix_ns=START_NS + 2_000,
        attributes={
            "http.request.method": "POST",
            "http.response.status_code": 200,
            "url.path": "/v2/models/credit/versions/3/infer",
            "sidecar.decision_id": f"{0xA1:032x}",
            "sidecar.request_id": "request-161",
            "sidecar.result": "released",
            "sidecar.mode": "enforce",
            "sidecar.engine": "opa",
            "sidecar.decision": "allow",
            "sidecar.policy.revision": "rev-1",
            "sidecar.protocol": "v2",
            "sidecar.operation": "infer",
            "sidecar.model.name": "credit",
            "sidecar.model.version": "3",
            "sidecar.data_version": "d-1",
            "sidecar.consent_scope": "credit_scoring",
            "sidecar.consent.status": "valid",
            "sidecar.instances": 1,
            "sidecar.audit.log": LOG,
            "sidecar.audit.sequence": 7,
            "sidecar.stage.request_decision_us": 90,
            "sidecar.stage.intent_us": 20,
            "sidecar.stage.upstream_us": 812,
            "sidecar.stage.explain_us": 40,
            "sidecar.stage.response_decision_us": 80,
        },
        events=(
            SpanEvent("sidecar.decided", START_NS + 1_000, decided),
            SpanEvent("sidecar.decided", START_NS + 2_000, {**decided, "sidecar.phase": "response"}),
        ),
        is_error=False,
    )


def test_a_response_that_was_refused() -> None:
    shadowed = ALLOW._replace(shadow=(OUT_OF_BAND,))
    span = forwarded(decision=shadowed, response=DENY, status=403)
    assert not span.is_error
    assert span.attributes["sidecar.result"] == "refused"
    assert span.attributes["sidecar.decision"] == "deny"
    assert span.attributes["sidecar.reasons"] == ["data_stale"]
    assert span.attributes["sidecar.shadow_reasons"] == ["score_out_of_band"]
    assert span.events[1].attributes == {
        "sidecar.phase": "response",
        "sidecar.decision": "deny",
        "sidecar.reasons": ["data_stale"],
        "sidecar.shadow_reasons": ["score_out_of_band"],
        "sidecar.flagged": ["sidecar"],
        "sidecar.policy.revision": "rev-1",
    }


def test_flags_for_review_are_told_by_rule() -> None:
    flags = tuple(Obligation("flag_review", {"rule": rule}) for rule in ("staleness", "consent", "staleness"))
    throttle = Obligation("throttle", {"rule": "disparate_impact", "rate_per_s": 1, "hold_s": 1})
    span = forwarded(decision=ALLOW._replace(obligations=(*flags, throttle)))
    assert span.attributes["sidecar.flagged"] == ["consent", "staleness"]
    assert [event.attributes.get("sidecar.flagged") for event in span.events] == [["consent", "staleness"], None]


def refused(decision: Decision, status: int) -> SpanData:
    record = records.refusal(context(endpoint=None), None, decision, status, None, salt=SALT, origin=ORIGIN)
    return read_span(line(record, 3, START_NS - 5))


def test_a_refusal_of_which_little_is_known() -> None:
    """The clock went back meanwhile: a span never ends before it starts."""
    assert refused(Decision(False, "", (Reason("http_malformed", "m"),)), 400) == SpanData(
        name="HTTP",
        trace_id="b" * 32,
        span_id="0" * 14 + "a1",
        parent_span_id="c" * 16,
        start_unix_ns=START_NS,
        end_unix_ns=START_NS,
        attributes={
            "http.response.status_code": 400,
            "sidecar.decision_id": f"{0xA1:032x}",
            "sidecar.request_id": "request-161",
            "sidecar.result": "refused",
            "sidecar.mode": "enforce",
            "sidecar.decision": "deny",
            "sidecar.reasons": ["http_malformed"],
            "sidecar.audit.log": LOG,
            "sidecar.audit.sequence": 3,
        },
        events=(
            SpanEvent(
                "sidecar.decided",
                START_NS - 5,
                {"sidecar.phase": "request", "sidecar.decision": "deny", "sidecar.reasons": ["http_malformed"]},
            ),
        ),
        is_error=False,
    )


def test_a_failure_of_ours_is_an_error_of_its_leading_type() -> None:
    reasons = (Reason("data_stale", "m"), Reason("policy_timeout", "m"))
    span = refused(Decision(False, "rev-1", reasons), 503)
    assert (span.is_error, span.attributes["error.type"]) == (True, "policy_timeout")


def test_an_exchange_without_answer_has_no_status() -> None:
    opening = records.intent(context(), request_question(), ALLOW, REQUEST, salt=SALT, origin=ORIGIN)
    closing = records.outcome(context(), Result.ABORTED, None, salt=SALT)
    span = read_span(line(opening, 0, START_NS), line(closing, 1, START_NS))
    assert "http.response.status_code" not in span.attributes
    assert (span.attributes["sidecar.result"], span.is_error, len(span.events)) == ("aborted", False, 1)


def test_a_method_that_the_conventions_do_not_know_is_no_name() -> None:
    span = forwarded(request=REQUEST._replace(method="BREW"))
    assert span.name == "HTTP infer"
    assert span.attributes["http.request.method"] == "_OTHER"
    assert span.attributes["http.request.method_original"] == "BREW"


def test_an_intent_or_an_outcome_alone_is_a_span_of_what_it_has() -> None:
    opening = line(
        records.intent(context(), request_question(), ALLOW, REQUEST, salt=SALT, origin=ORIGIN), 6, START_NS + 1
    )
    closing = line(records.unknown_outcome(context().decision_id, "r", "b" * 32), 7, START_NS + 2)
    whole, first, last = read_span(opening, closing), read_span(opening), read_span(closing)
    assert {(span.trace_id, span.span_id) for span in (whole, first, last)} == {("b" * 32, "0" * 14 + "a1")}
    assert [span.attributes.get("sidecar.result") for span in (whole, first, last)] == ["unknown", None, "unknown"]
    assert "sidecar.decision" not in last.attributes
    assert (first.end_unix_ns, last.start_unix_ns, last.end_unix_ns) == (START_NS + 1, START_NS + 2, START_NS + 2)


def test_the_same_records_give_the_same_span() -> None:
    assert forwarded() == forwarded()


def test_what_is_emitted_is_what_is_registered() -> None:
    spans = [
        forwarded(),
        forwarded(response=DENY, status=403),
        forwarded(request=REQUEST._replace(method="BREW")),
        refused(Decision(False, "rev-1", (Reason("policy_timeout", "m"),)), 503),
    ]
    attributes = {name for span in spans for name in span.attributes}
    events = {event.name for span in spans for event in span.events}
    of_events = {name for span in spans for event in span.events for name in event.attributes}
    assert attributes == {attribute.name for attribute in names.EXCHANGE.attributes}
    assert events == {event.name for event in names.EXCHANGE.events}
    assert of_events == {attribute.name for event in names.EXCHANGE.events for attribute in event.attributes}
    types = {"string": str, "int": int, "string[]": list}
    registered = {each.name: types[each.type] for each in names.EXCHANGE.attributes}
    for span in spans:
        assert {name: type(value) for name, value in span.attributes.items()} == {
            name: registered[name] for name in span.attributes
        }
