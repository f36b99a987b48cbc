from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.audit.log import FileLog, open_log
from sidecar.audit.records import Event, Result
from sidecar.audit.salts import Salts
from sidecar.audit.trail import Trail
from sidecar.model.decision import Decision
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from tests.support import FixedClock
from tests.unit.audit.samples import (
    ALLOW,
    DENY,
    REQUEST,
    context,
    request_question,
    response_question,
)

if TYPE_CHECKING:
    from pathlib import Path

MALFORMED = Decision(False, "", (Reason("body_malformed", "m"),))
BAD_TOKEN = Decision(False, "rev-1", (Reason("consent_invalid", "m", "consent"),))


class Seen:
    """An observer that keeps what it is told, as kinds and results."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[str, str | None]] = []

    def finished(self, opening: bytes, closing: bytes | None) -> None:
        self.exchanges.append((orjson.loads(opening)["kind"], orjson.loads(closing)["result"] if closing else None))


class Bench:
    def __init__(self, audit_dir: Path) -> None:
        self.clock = FixedClock()
        self.log: FileLog = open_log(audit_dir / "0", self.clock)
        self.seen = Seen()
        salts = Salts(audit_dir / "salts", self.clock)
        self.trail = Trail(self.log, salts, self.clock, engine="opa", observer=self.seen)
        self._path = audit_dir / "0" / "ledger" / "records.jsonl"

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [orjson.loads(line) for line in self._path.read_bytes().splitlines()]

    def kinds(self) -> list[str]:
        return [line["kind"] for line in self.lines]

    def break_log(self) -> None:
        self.log._broken = "a write failed"


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_one_exchange_leaves_an_intent_and_an_outcome(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    assert (bench.kinds(), bench.trail.open_count, bench.seen.exchanges) == (["INTENT"], 1, [])
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
        ("INTENT", context().decision_id, "2026-11-21"),
        ("OUTCOME", context().decision_id, "2026-11-21"),
    ]
    assert (bench.lines[0]["engine"], bench.lines[0]["mode"], bench.lines[1]["positive"]) == ("opa", "enforce", [0])
    assert (bench.trail.open_count, bench.seen.exchanges) == (0, [("INTENT", "released")])
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
    assert bench.seen.exchanges == [("REFUSAL", None)]


async def test_an_outcome_that_is_too_large_is_a_refusal_on_record(bench: Bench) -> None:
    opened = await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    huge = response_question(labels=["x" * 70_000])
    with pytest.raises(Refused, match="audit_unavailable"):
        await bench.trail.outcome(opened, Result.RELEASED, 200, question=huge, decision=ALLOW)
    last = bench.lines[1]
    assert (last["result"], last["status"], last["policy_revision"], last["reduced"]) == ("refused", 503, "rev-1", True)
    assert [reason["code"] for reason in last["decision"]["reasons"]] == ["audit_unavailable"]
    assert (bench.seen.exchanges, bench.trail.open_count, bench.trail.failures_total) == ([("INTENT", "refused")], 0, 1)


@pytest.mark.parametrize(("decision", "asked"), [(MALFORMED, False), (BAD_TOKEN, True)])
async def test_a_flood_of_malformed_requests_or_bad_tokens_is_summarised(
    bench: Bench, decision: Decision, asked: bool
) -> None:
    question = request_question() if asked else None
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
    assert (bench.trail.summarised_total, len(bench.seen.exchanges)) == (150, 100)


async def test_a_flood_that_goes_on_writes_its_summaries_without_a_tick(bench: Bench) -> None:
    for second in range(3):
        for number in range(101):
            await bench.trail.refusal(context(second * 1_000 + number), MALFORMED, 400)
        bench.clock.advance(1)
    assert bench.kinds().count("REFUSAL_SUMMARY") == 2
    assert bench.trail.summarised_total == 3


async def test_denials_by_policy_are_never_summarised(bench: Bench) -> None:
    for number in range(150):
        await bench.trail.refusal(context(number), DENY, 403, question=request_question(), request=REQUEST)
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
    assert (bench.trail.broken, bench.trail.failures_total, bench.trail.open_count) == ("a write failed", 4, 0)
    assert len(bench.lines) == 101
    assert len(bench.seen.exchanges) == 100
    await bench.trail.aclose()


async def test_without_a_salt_nothing_is_forwarded(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "salts").write_bytes(b"a file where the folder should be")
    with pytest.raises(Refused, match="audit_unavailable"):
        await bench.trail.intent(context(), request_question(), ALLOW, REQUEST)
    assert bench.lines == []
