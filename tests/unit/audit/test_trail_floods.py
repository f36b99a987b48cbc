"""What garbage and outages may cost: the trail's limits on refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.audit.records import Event
from sidecar.model.decision import Decision
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from tests.unit.audit.bench import Bench
from tests.unit.audit.samples import (
    ALLOW,
    DENY,
    REQUEST,
    context,
    with_consent,
    with_groups_of,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sidecar.model.question import Question

MALFORMED = Decision(False, "", (Reason("body_malformed", "m"),))
BAD_TOKEN = Decision(False, "rev-1", (Reason("consent_invalid", "m", "consent"),))
OUTAGE = Decision(False, "rev-1", (Reason("policy_unavailable", "m"),))


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncGenerator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    await bench.log.aclose()


async def test_a_flood_of_intents_that_are_too_large_is_summarised(bench: Bench) -> None:
    for number in range(103):
        with pytest.raises(Refused, match="audit_unavailable"):
            await bench.trail.intent(context(number), with_groups_of(300), ALLOW, REQUEST)
    await bench.trail.aclose()
    assert bench.kinds() == ["REFUSAL"] * 100 + ["REFUSAL_SUMMARY", "EVENT"]
    assert (bench.lines[100]["count"], bench.lines[100]["reasons"]) == (3, {"audit_unavailable": 3})
    assert bench.trail.failures_total == 103


@pytest.mark.parametrize(
    ("decision", "question"),
    [
        (MALFORMED, None),
        (BAD_TOKEN, with_consent("valid")),
        (OUTAGE, with_consent("missing")),
        (OUTAGE, with_consent("valid")),
        (DENY, with_consent("missing")),
        (DENY, with_consent("invalid")),
        (DENY, with_consent("expired")),
    ],
)
async def test_a_flood_of_what_no_policy_denied_to_a_trusted_caller_is_summarised(
    bench: Bench, decision: Decision, question: Question | None
) -> None:
    for number in range(250):
        await bench.trail.refusal(context(number), decision, 400, question=question)
    assert bench.kinds() == ["REFUSAL"] * 100
    await bench.trail.tick()
    assert len(bench.lines) == 100
    bench.clock.advance(1)
    await bench.trail.tick()
    await bench.trail.tick()
    summary = bench.lines[100]
    assert len(bench.lines) == 101
    assert (summary["kind"], summary["count"], summary["reasons"]) == (
        "REFUSAL_SUMMARY",
        150,
        {decision.reasons[0].code: 150},
    )
    assert bench.trail.summarised_total == 150


async def test_a_flood_that_goes_on_writes_its_summaries_without_a_tick(bench: Bench) -> None:
    for second in range(3):
        for number in range(101):
            await bench.trail.refusal(context(second * 1_000 + number), MALFORMED, 400)
        bench.clock.advance(1)
    assert bench.kinds().count("REFUSAL_SUMMARY") == 2
    assert bench.trail.summarised_total == 3


@pytest.mark.parametrize("consent", ["valid", "off"])
async def test_denials_by_policy_are_never_summarised(bench: Bench, consent: str) -> None:
    for number in range(150):
        await bench.trail.refusal(context(number), DENY, 403, question=with_consent(consent), request=REQUEST)
    assert bench.kinds() == ["REFUSAL"] * 150


async def test_closing_writes_what_was_counted_and_stop(bench: Bench) -> None:
    await bench.trail.event(Event.START, {"version": "1"})
    for number in range(101):
        await bench.trail.refusal(context(number), MALFORMED, 400)
    await bench.trail.aclose()
    assert bench.kinds() == ["EVENT", *["REFUSAL"] * 100, "REFUSAL_SUMMARY", "EVENT"]
    assert [(line["event"], line["details"]) for line in (bench.lines[0], bench.lines[-1])] == [
        ("start", {"version": "1"}),
        ("stop", {}),
    ]
    assert bench.trail.broken == "closed"
