"""What the trail really writes is valid, and the schema of records refuses what is not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.audit.context import DecisionIds, open_context
from sidecar.audit.lookup import export
from sidecar.audit.opening import open_log
from sidecar.audit.records import Event, Result
from sidecar.audit.salts import Salts
from sidecar.audit.trail import Trail
from sidecar.fairness.window import INSUFFICIENT, WindowSnapshot
from sidecar.model.attributes import Attribute, Attributes, Status
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.decision import Decision, Obligation
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.explain import ExplainCall
from sidecar.model.message import Request
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.protocols.base import Call
from sidecar.proxy.inputs import request_question, response_question
from tests.conformance.record_breaches import OPEN, OPTIONAL, RECORD_BREACHES
from tests.conformance.schema_set import SCHEMAS, changed, contract, errors, removable, untyped
from tests.support import FixedClock, audit_terms

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.audit.context import Context
    from sidecar.model.question import Question

CLOCK = FixedClock()
ENDPOINT = Endpoint(EndpointKind.INFER, "v2", "infer", "credit", "3")
HEADERS = ((b"x-request-id", b"abc"), (b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-00"))
REQUEST = Request("POST", "/v2/models/credit/infer", HEADERS, b'{"inputs":[]}', "", "10.1.2.3")
CONSENT = ConsentFact(ConsentStatus.VALID, "iss", "ab" * 32, "cd" * 32, ("credit_scoring",), 1_795_303_600.0)
ATTRIBUTES = Attributes(
    Attribute(Status.PRESENT, "loans-2026-11-20", "header:X-Data-Version"),
    Attribute(Status.PRESENT, "credit_scoring", "parameter:consent_scope"),
    Attribute(Status.PRESENT, ("a",), "claim:group"),
)
ALLOW = Decision(allow=True, revision="r1", ttl_s=5.0)
STALE = Reason("data_stale", "80 days old", "staleness", "use fresher data")
DENY = Decision(allow=False, revision="r1", reasons=(STALE,))
UNKNOWN_ENDPOINT = Decision(allow=False, revision="", reasons=(Reason("endpoint_unknown", "no such endpoint here"),))
LATE = Decision(allow=False, revision="r1", reasons=(Reason("upstream_timeout", "too late"),))
LONG = Decision(
    allow=False,
    revision="r1",
    reasons=tuple(Reason(f"of_ours_{number}", "m" * 600) for number in range(200)),
    shadow=(STALE,),
    obligations=(Obligation("flag_review", {"rule": "staleness"}),),
)


EXPLAIN = ExplainCall("/v1/models/credit:explain", 500)


def asked(request: Request = REQUEST, attributes: Attributes = ATTRIBUTES, consent: ConsentFact = CONSENT) -> Question:
    return request_question(request, Call(ENDPOINT, 1), attributes, consent, listed_headers=(), unix_s=CLOCK.unix_s())


def judged() -> Question:
    prediction = Prediction(200, (0.51,), ("approve",), {"income": [1]}, "high income")
    window = contract("policy-input-response")["window"]
    snapshot = WindowSnapshot("ok", 86_400, window["groups"], window["disparate_impact"])
    return response_question(asked(), prediction, snapshot, unix_s=CLOCK.unix_s())


def context(request: Request = REQUEST, endpoint: Endpoint | None = ENDPOINT) -> Context:
    return open_context(request.headers, CLOCK, DecisionIds())._replace(endpoint=endpoint)


async def exchange(trail: Trail, result: Result, status: int | None, **ending: Any) -> None:
    opened = await trail.intent(context(), asked(), ALLOW, REQUEST, explain=EXPLAIN)
    await trail.outcome(opened, result, status, **ending)


async def released(trail: Trail) -> None:
    await exchange(
        trail,
        Result.RELEASED,
        200,
        question=judged(),
        decision=ALLOW,
        response_body=b"{}",
        positive=(True,),
        stage_us={"request_decision": 90, "upstream": 812},
    )


async def passed_through(trail: Trail) -> None:
    await exchange(trail, Result.RELEASED, 404, response_body=b"no such model")


async def refused_after_the_model(trail: Trail) -> None:
    await exchange(trail, Result.REFUSED, 403, question=judged(), decision=DENY, response_body=b"{}")


async def without_scores_or_windows(trail: Trail) -> None:
    question = response_question(asked(), Prediction(200), WindowSnapshot(INSUFFICIENT), unix_s=CLOCK.unix_s())
    await exchange(trail, Result.RELEASED, 200, question=question, decision=ALLOW)


async def replaced(trail: Trail) -> None:
    await exchange(trail, Result.REPLACED, 200)


async def failed(trail: Trail) -> None:
    await exchange(trail, Result.FAILED, 504, decision=LATE, stage_us={"upstream": 30_000_000})


async def failed_by_a_defect(trail: Trail) -> None:
    await exchange(trail, Result.FAILED, None)


async def aborted(trail: Trail) -> None:
    await exchange(trail, Result.ABORTED, None)


async def left_open(trail: Trail) -> None:
    await trail.intent(context(), asked(), ALLOW, REQUEST)


async def too_large_an_outcome(trail: Trail) -> None:
    with pytest.raises(Refused):
        await exchange(trail, Result.RELEASED, 200, question=judged(), decision=LONG)


async def too_large_an_intent(trail: Trail) -> None:
    groups = Attribute(Status.PRESENT, ("\N{LATIN SMALL LETTER E WITH ACUTE}" * 250,) * 256, "claim:group")
    question = asked(attributes=Attributes(ATTRIBUTES.data_version, ATTRIBUTES.consent_scope, groups))
    with pytest.raises(Refused):
        await trail.intent(context(), question, ALLOW, REQUEST)


async def forwarded_in_shadow_without_a_question(trail: Trail) -> None:
    opened = await trail.intent(context(), None, LATE, REQUEST)
    await trail.outcome(opened, Result.RELEASED, 200)


async def denied_by_policy(trail: Trail) -> None:
    await trail.refusal(context(), DENY, 403, question=asked(), request=REQUEST)


async def denied_without_token_or_address(trail: Trail) -> None:
    request = Request("POST", "/v2/models/credit/infer", ())
    question = asked(request, Attributes(), ConsentFact(ConsentStatus.MISSING))
    await trail.refusal(context(request), DENY, 403, question=question, request=request)


async def denied_with_a_conflict_from_ipv6(trail: Trail) -> None:
    request = Request("POST", "/v2/models/credit/infer", HEADERS, source_address="2001:db8:1:2::3")
    attributes = Attributes(Attribute(Status.CONFLICT, source="header:X-Data-Version, body:data_version"))
    await trail.refusal(context(), DENY, 400, question=asked(request, attributes), request=request)


async def from_ipv6_loopback(trail: Trail) -> None:
    request = Request("POST", "/v2/models/credit/infer", HEADERS, source_address="::1")
    await trail.refusal(context(), DENY, 400, question=asked(request), request=request)


async def refused_before_the_policy(trail: Trail) -> None:
    request = Request("GET", "/nowhere", (), source_address="10.1.2.3")
    await trail.refusal(context(request, None), UNKNOWN_ENDPOINT, 404, request=request)


async def refused_before_there_was_a_request(trail: Trail) -> None:
    await trail.refusal(open_context((), CLOCK, DecisionIds()), UNKNOWN_ENDPOINT, 400)


async def too_large_a_refusal(trail: Trail) -> None:
    await trail.refusal(context(), LONG, 403, question=asked(), request=REQUEST)


async def refused_too_often(trail: Trail) -> None:
    for _ in range(103):
        await trail.refusal(open_context((), CLOCK, DecisionIds()), UNKNOWN_ENDPOINT, 404)


async def events(trail: Trail) -> None:
    for event in Event:
        await trail.event(event, {"model": "credit", "version": None})


Scenario = Callable[[Trail], Coroutine[Any, Any, None]]
SCENARIOS: list[Scenario] = [
    released,
    passed_through,
    refused_after_the_model,
    without_scores_or_windows,
    replaced,
    failed,
    failed_by_a_defect,
    aborted,
    left_open,
    too_large_an_intent,
    too_large_an_outcome,
    forwarded_in_shadow_without_a_question,
    denied_by_policy,
    denied_without_token_or_address,
    denied_with_a_conflict_from_ipv6,
    from_ipv6_loopback,
    refused_before_the_policy,
    refused_before_there_was_a_request,
    too_large_a_refusal,
    refused_too_often,
    events,
]


async def written(audit_dir: Path, scenario: Scenario) -> list[dict[str, Any]]:
    """All records of a sidecar that saw the scenario, stopped, and started again."""
    for step in (scenario, None):
        log = open_log(audit_dir / "0", audit_terms(audit_dir), CLOCK)
        log.start()
        trail = Trail(log, Salts(audit_dir, CLOCK), CLOCK, engine="opa", mode="enforce")
        if step is not None:
            await step(trail)
        await trail.aclose()
    return [orjson.loads(line) for line in export(audit_dir)]


def records(audit_dir: Path, scenario: Scenario, kind: str) -> list[dict[str, Any]]:
    return [record for record in asyncio.run(written(audit_dir / "audit", scenario)) if record["kind"] == kind]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_what_the_trail_writes_is_valid(scenario: Scenario, tmp_path: Path) -> None:
    found = asyncio.run(written(tmp_path / "audit", scenario))
    assert [errors("audit-record", record) for record in found] == [[]] * len(found)
    assert [record["sequence"] for record in found] == list(range(len(found)))


EXAMPLES: dict[str, Scenario] = {
    "INTENT": released,
    "OUTCOME": released,
    "REFUSAL": denied_by_policy,
    "REFUSAL_SUMMARY": refused_too_often,
    "EVENT": events,
}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_breach_is_found(kind: str, tmp_path: Path) -> None:
    record = records(tmp_path, EXAMPLES[kind], kind)[0]
    table = RECORD_BREACHES[kind]
    unseen = [breach for breach in table if not errors("audit-record", changed(record, *breach))]
    assert unseen == []


@pytest.mark.parametrize("kind", EXAMPLES)
def test_no_other_member_may_be_missing_or_have_another_type(kind: str, tmp_path: Path) -> None:
    record = records(tmp_path, EXAMPLES[kind], kind)[0]
    assert removable("audit-record", record) == OPTIONAL[kind]
    assert untyped("audit-record", record) == OPEN.get(kind, set())


@pytest.mark.parametrize("kind", EXAMPLES)
def test_a_record_may_get_more_members(kind: str, tmp_path: Path) -> None:
    record = records(tmp_path, EXAMPLES[kind], kind)[0]
    assert errors("audit-record", record | {"added_later": {"any": "thing"}}) == []


@pytest.mark.parametrize(
    ("scenario", "results"),
    [
        (released, ["released"]),
        (left_open, ["unknown"]),
        (too_large_an_outcome, ["refused"]),
        (aborted, ["aborted"]),
    ],
)
def test_the_results_are_those_of_the_scenario(scenario: Scenario, results: list[str], tmp_path: Path) -> None:
    assert [record["result"] for record in records(tmp_path, scenario, "OUTCOME")] == results


def test_an_intent_that_is_too_large_leaves_one_reduced_refusal(tmp_path: Path) -> None:
    found = asyncio.run(written(tmp_path, too_large_an_intent))
    assert [(record["kind"], record.get("status"), record.get("reduced")) for record in found] == [
        ("REFUSAL", 503, True),
        ("EVENT", None, None),
        ("EVENT", None, None),
    ]


def test_the_words_are_the_codes() -> None:
    parts = SCHEMAS["audit-record"]["$defs"]
    assert parts["outcome"]["properties"]["result"]["enum"] == list(Result)
    assert parts["event"]["properties"]["event"]["enum"] == list(Event)
