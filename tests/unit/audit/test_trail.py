from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.audit.records import Event, Result
from sidecar.model.decision import Decision, Obligation
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from tests.unit.audit.bench import Bench
from tests.unit.audit.samples import (
    ALLOW,
    DENY,
    REQUEST,
    context,
    request_question,
    response_question,
    with_groups_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

MALFORMED = Decision(False, "", (Reason("body_malformed", "m"),))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.log.aclose()


async def test_one_exchange_leaves_an_intent_and_an_outcome(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    assert (bench.kinds(), bench.trail.open_count) == (["INTENT"], 1)
    await bench.trail.outcome(
        opened,
        Result.RELEASED,
        200,
        question=response_question(),
        decision=ALLOW,
        response_body=b"answer",
        positive=(True,),
        stage_us={"upstream": 1},
    )
    assert [(line["kind"], line["decision_id"], line["salt"]) for line in bench.lines] == [
        ("INTENT", context().decision_id, opened.salt.name),
        ("OUTCOME", context().decision_id, opened.salt.name),
    ]
    assert (bench.lines[0]["engine"], bench.lines[0]["mode"], bench.lines[1]["positive"]) == ("opa", "enforce", [0])
    assert bench.trail.open_count == 0
    assert [orjson.loads(leaf) for leaf in bench.trail.find(context().decision_id)] == bench.lines
    assert bench.trail.records_total == {
        "INTENT": 1,
        "OUTCOME": 1,
        "REFUSAL": 0,
        "REFUSAL_SUMMARY": 0,
        "EVENT": 0,
    }


async def test_an_exchange_has_one_outcome(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    await bench.trail.outcome(opened, Result.ABORTED, None)
    with pytest.raises(RuntimeError, match="one OUTCOME"):
        await bench.trail.outcome(opened, Result.RELEASED, 200)
    assert bench.kinds() == ["INTENT", "OUTCOME"]


async def test_a_refusal_is_one_record(bench: Bench) -> None:
    await bench.trail.refusal(context(), DENY, 403, question=request_question(), request=REQUEST)
    assert [(line["kind"], line["status"]) for line in bench.lines] == [("REFUSAL", 403)]


async def test_an_outcome_that_is_too_large_is_a_refusal_on_record(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    huge = response_question(labels=["x" * 70_000])
    with pytest.raises(Refused, match="audit_unavailable"):
        await bench.trail.outcome(opened, Result.RELEASED, 200, question=huge, decision=ALLOW)
    last = bench.lines[1]
    assert (last["result"], last["status"], last["policy_revision"], last["reduced"]) == ("refused", 503, "rev-1", True)
    assert [reason["code"] for reason in last["decision"]["reasons"]] == ["audit_unavailable"]
    assert (bench.trail.open_count, bench.trail.failures_total) == (0, 1)


async def test_an_intent_that_is_too_large_is_a_refusal_on_record(bench: Bench) -> None:
    with pytest.raises(Refused, match="audit_unavailable: the INTENT record is over 65535 bytes"):
        await bench.trail.intent(context(), with_groups_of(300), ALLOW, REQUEST)
    (record,) = bench.lines
    whole = [
        record[name] for name in ("kind", "decision_id", "status", "reduced", "input", "engine", "policy_revision")
    ]
    assert whole == ["REFUSAL", context().decision_id, 503, True, None, "opa", "rev-1"]
    assert record["decision"] == {
        "allow": False,
        "reasons": [{"code": "audit_unavailable", "message": "the INTENT record is over 65535 bytes"}],
        "shadow": [],
        "obligations": [],
        "ttl_s": 0.0,
    }
    assert (bench.trail.open_count, bench.trail.failures_total) == (0, 1)
    assert (bench.trail.broken, bench.trail.records_total["REFUSAL"]) == (None, 1)


async def test_an_intent_too_large_for_its_obligations_leaves_a_refusal_with_its_input(bench: Bench) -> None:
    decision = Decision(True, "rev-1", obligations=(Obligation("fallback", {"outputs": ["o" * 70_000]}),))
    with pytest.raises(Refused, match="audit_unavailable"):
        await bench.trail.intent(context(), request_question(), decision, REQUEST)
    (record,) = bench.lines
    assert (record["kind"], record["status"], record["input"]["instances"]) == ("REFUSAL", 503, 1)
    assert "reduced" not in record


async def test_too_large_an_intent_on_a_broken_log_is_one_failure(bench: Bench) -> None:
    bench.break_log()
    with pytest.raises(Refused, match="audit_unavailable"):
        await bench.trail.intent(context(), with_groups_of(300), ALLOW, REQUEST)
    assert (bench.lines, bench.trail.failures_total) == ([], 1)


async def test_a_broken_log_refuses_everything_even_what_would_only_be_counted(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    for number in range(100):
        await bench.trail.refusal(context(number), MALFORMED, 400)
    bench.break_log()
    calls = (
        lambda: bench.trail.intent(context(1), request_question(), ALLOW, REQUEST),
        lambda: bench.trail.outcome(opened, Result.RELEASED, 200),
        lambda: bench.trail.refusal(context(2), DENY, 403, question=request_question()),
        lambda: bench.trail.refusal(context(3), MALFORMED, 400),
        lambda: bench.trail.event(Event.START, {}),
    )
    for call in calls:
        with pytest.raises(Refused, match="audit_unavailable"):
            await call()
    assert (bench.trail.broken, bench.trail.failures_total, bench.trail.open_count) == ("a write failed", 4, 1)
    assert len(bench.lines) == 101
    await bench.trail.aclose()


async def test_without_a_salt_nothing_is_forwarded_until_there_is_one(bench: Bench) -> None:
    bench.lose_salts()
    calls = (
        lambda: bench.trail.intent(context(), request_question(), ALLOW, REQUEST),
        lambda: bench.trail.refusal(context(1), DENY, 403, question=request_question(), request=REQUEST),
    )
    for number, call in enumerate(calls, 1):
        with pytest.raises(Refused, match="audit_unavailable: the audit trail has no salt for today"):
            await call()
        assert bench.trail.failures_total == number
    assert (bench.lines, bench.trail.open_count, bench.trail.broken) == ([], 0, None)
    bench.salts_dir.unlink()
    await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    assert (bench.kinds(), bench.trail.open_count) == (["INTENT"], 1)


async def test_an_open_exchange_ends_under_its_intents_salt_though_there_is_no_new_one(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    bench.lose_salts()
    with pytest.raises(Refused):
        await bench.trail.intent(context(1), request_question(), ALLOW, REQUEST)
    await bench.trail.outcome(opened, Result.RELEASED, 200, response_body=b"answer")
    await bench.trail.aclose()
    assert bench.kinds() == ["INTENT", "OUTCOME", "EVENT"]
    outcome = bench.lines[1]
    assert (outcome["salt"], outcome["response_digest"]) == (opened.salt.name, opened.salt.digest(b"answer"))
    assert bench.trail.open_count == 0
    assert (bench.trail.broken or "").startswith("closed")
