"""What a log says is what the window was told live: from the very records that exchanges left."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.audit.heads import decision_of, kind_of
from sidecar.audit.lookup import export
from sidecar.fairness.rebuild import Feed, Join, LogClock, Unreadable, observation_of, throttle_of
from sidecar.fairness.throttle import Armed, Released
from sidecar.fairness.window import Observation
from sidecar.fairness.windows import MemoryWindow
from sidecar.model.facts import Facts, ModelFacts, Positive, ReadPlan
from sidecar.model.message import Response
from sidecar.model.refusal import refused
from tests.budgets import examples
from tests.lab import DATA, infer, lab
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sidecar.fairness.rebuild import Step

ARMED = Armed("credit", None, 1.0, 300.0, 1_795_300_300.0, 1)
RELEASED = Released("credit", None, 1, 1_795_300_300.0)


def steps(records: Iterable[bytes]) -> list[Step]:
    join = Join()
    return [step for record in records if (step := join.take(kind_of(record), decision_of(record), record))]


def record(kind: str, **members: Any) -> bytes:
    head = {"v": 1, "log": "f" * 32, "kind": kind, "sequence": 7, "time_unix_ns": 1_795_300_001_500_000_000}
    return json.dumps(head | members, separators=(",", ":")).encode()


def body(rows: int) -> bytes:
    return json.dumps({"inputs": [{"name": "x", "shape": [rows], "datatype": "FP64", "data": [1.0] * rows}]}).encode()


def answer(scores: list[float], labels: list[str]) -> Response:
    outputs = [
        {"name": "score", "shape": [len(scores)], "datatype": "FP64", "data": scores},
        {"name": "label", "shape": [len(labels)], "datatype": "BYTES", "data": labels},
    ]
    return Response(200, ((b"content-type", b"application/json"),), json.dumps({"outputs": outputs}).encode())


rows_of = st.lists(
    st.tuples(st.floats(0, 1) | st.just(0.5), st.sampled_from(["approve", "deny", "π"])), min_size=1, max_size=4
)
endings = st.sampled_from(["answer", "answer", "answer", "unreadable", "error", "unreachable", "stale data"])
calls = st.lists(st.tuples(st.sampled_from(["a", "b", "z", ""]), rows_of, endings), min_size=20, max_size=40)


async def _exchanges(folder: Path, called: list[tuple[str, list[tuple[float, str]], str]], mode: str) -> list[Any]:
    data = json.loads(json.dumps(DATA))
    data["models"]["credit"] |= {"instances_per_token": 4}
    async with lab(folder, data=data, mode=mode) as it:
        for group, rows, ending in called:
            it.clock.advance(0.25)
            scores, labels = [score for score, _ in rows], [label for _, label in rows]
            it.upstream.answer = {
                "unreadable": answer([*scores, 0.5], labels),
                "error": Response(500, (), b"{}"),
                "unreachable": refused("upstream_unreachable", "gone"),
            }.get(ending) or answer(scores, labels)
            version = "stale" if ending == "stale data" else "fresh"
            await it.exchange.handle(infer(body=body(len(rows)), x_protected_group=group, x_data_version=version))
        return it.window.seen


@settings(max_examples=examples(5))
@given(calls, st.sampled_from(["enforce", "shadow"]))
def test_a_log_tells_what_the_window_was_told_live(called: list[Any], mode: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seen = asyncio.run(_exchanges(Path(folder), called, mode))
        assert steps(export(Path(folder) / "audit")) == seen


def test_the_property_covers_all_that_can_become_of_a_prediction(tmp_path: Path) -> None:
    rows = [(0.5, "deny"), (0.5, "approve")]
    called = [("a", rows, "answer"), ("z", rows, "answer"), ("a", rows, "unreadable"), ("a", rows, "stale data")]
    seen = asyncio.run(_exchanges(tmp_path, called, "enforce"))
    assert [(each.groups, each.positive, each.released) for each in seen] == [
        (("a", "a"), (False, True), True),
        (("z", "z"), (False, True), False),
    ]


INTENT: dict[str, Any] = {
    "decision_id": "1" * 32,
    "started_unix_ns": 1_795_300_000_250_000_000,
    "endpoint": {"protocol": "v2", "operation": "infer", "model": "credit", "version": "3"},
    "input": {"attributes": {"groups": {"value": ["a", "b"], "status": "present"}}, "instances": 2},
}
OUTCOME: dict[str, Any] = {
    "decision_id": "1" * 32,
    "result": "released",
    "input": {"phase": "response", "prediction": {"status": 200, "scores": [0.25, 1], "labels": None}},
    "positive": [1],
}
SEEN = Observation(
    "1" * 32, "credit", "3", INTENT["started_unix_ns"] / 1e9, ("a", "b"), (0.25, 1), (False, True), 2, True
)


@pytest.mark.parametrize(
    ("intent", "outcome", "seen"),
    [
        ({}, {}, SEEN),
        ({}, {"result": "refused"}, SEEN._replace(released=False)),
        ({}, {"result": "replaced"}, SEEN._replace(released=False)),
        ({}, {"positive": None}, SEEN._replace(positive=None)),
        ({}, {"input": {"prediction": {"scores": None}}}, SEEN._replace(scores=None)),
        ({"endpoint": {"model": "credit", "version": None}}, {}, SEEN._replace(version=None)),
        (
            {"input": {"attributes": {"groups": {"value": None, "status": "missing"}}, "instances": 2}},
            {},
            SEEN._replace(groups=()),
        ),
        ({}, {"input": None, "result": "unknown"}, None),
        ({}, {"input": {"phase": "response"}}, None),
        ({"input": None}, {}, None),
    ],
)
def test_observation_of(intent: dict[str, Any], outcome: dict[str, Any], seen: Observation | None) -> None:
    assert observation_of(INTENT | intent, OUTCOME | outcome) == seen


@pytest.mark.parametrize(
    ("intent", "outcome"),
    [
        ({"input": {"attributes": {"groups": {"value": ["a", "b"], "status": "present"}}, "instances": 3}}, {}),
        ({}, {"input": {"prediction": {"scores": [0.5]}}}),
    ],
)
def test_an_exchange_whose_lengths_differ_is_none_of_ours(intent: dict[str, Any], outcome: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="instances"):
        observation_of(INTENT | intent, OUTCOME | outcome)


def test_a_throttle_event_says_what_was_armed_or_released() -> None:
    cause = {"decision_id": "1" * 32, "rule": "disparate_impact"}
    assert throttle_of({"event": "throttle_armed", "details": asdict(ARMED) | cause}) == ARMED
    assert throttle_of({"event": "throttle_released", "details": asdict(RELEASED)}) == RELEASED
    assert throttle_of({"event": "start", "details": {}}) is None


def test_records_that_add_nothing_are_not_parsed() -> None:
    assert steps([b'{"v":1,"log":"%s","kind":"%s",broken' % (b"f" * 32, kind) for kind in (b"REFUSAL", b"EVENT")]) == []


def test_a_record_that_is_not_as_it_should_be_is_told_and_the_next_one_is_read() -> None:
    join = Join()
    with pytest.raises(Unreadable, match="rate_per_s"):
        join.take("EVENT", None, record("EVENT", event="throttle_armed", details={"model": "credit", "version": None}))
    assert join.take("INTENT", "1" * 32, record("INTENT", **INTENT | {"endpoint": {}})) is None
    with pytest.raises(Unreadable, match="model"):
        join.take("OUTCOME", "1" * 32, record("OUTCOME", **OUTCOME))
    join.take("INTENT", "1" * 32, record("INTENT", **INTENT))
    assert join.take("OUTCOME", "1" * 32, record("OUTCOME", **OUTCOME)) == SEEN


def test_intents_that_wait_are_bounded() -> None:
    join = Join(open_limit=2)
    for number in range(4):
        join.take("INTENT", str(number), record("INTENT", **INTENT))
    assert join.lost_total == 2
    outcome = record("OUTCOME", **OUTCOME)
    assert [join.take("OUTCOME", str(number), outcome) for number in range(4)] == [None, None, SEEN, SEEN]


def test_an_outcome_counts_once() -> None:
    both = [record("INTENT", **INTENT), record("OUTCOME", **OUTCOME)]
    assert steps([*both, both[1]]) == [SEEN]


FACTS = ModelFacts(
    "credit",
    groups=("a", "b"),
    disparate_impact_max=1.5,
    read=ReadPlan(positive=Positive(score_at_least=0.5), score_range=(0, 1)),
)


def _prediction(number: int, unix_s: float) -> Observation:
    group = "ab"[number % 4 == 0]
    positive = number % 10 < (8 if group == "a" else 2)
    return Observation(f"{number:032x}", "credit", None, unix_s, (group,), (float(positive),), (positive,), 1, True)


def test_a_rebuilt_store_is_in_the_state_of_the_live_one() -> None:
    """With a throttle on the way: armed, over, and a fresh test since."""
    live_clock, real = FixedClock(), FixedClock()
    live = MemoryWindow(live_clock)
    told: list[tuple[int, Step]] = []
    for number in range(4_000):
        live_clock.advance(0.05)
        seen = _prediction(number, live_clock.unix_s())
        live.observe(FACTS, seen)
        told.append((live_clock.unix_ns(), seen))
        impact = live.snapshot(FACTS, None).disparate_impact or {}
        if impact["certain"] and (armed := live.arm("credit", None, 1.0, 30.0)):
            told.append((live_clock.unix_ns(), armed))
        told += [(live_clock.unix_ns(), ended) for ended in live.released()]
    kinds = [type(step) for _, step in told if not isinstance(step, Observation)]
    assert kinds[:2] == [Armed, Released]

    real.advance(live_clock.unix_s() - real.unix_s())
    clock = LogClock(real)
    rebuilt = MemoryWindow(clock)
    feed = Feed(rebuilt, clock, Facts("r", {"credit": FACTS}))
    for unix_ns, step in told:
        feed.advance(unix_ns)
        feed.take(step)
    clock.let_go()
    assert rebuilt.status() == live.status()
    assert rebuilt.snapshot(FACTS, None).disparate_impact == live.snapshot(FACTS, None).disparate_impact
    assert rebuilt.released() == []


def test_the_clock_of_a_log_stands_between_its_records_and_never_in_the_future() -> None:
    real = FixedClock(100.0)
    clock = LogClock(real)
    shown = [clock.unix_s()]
    for unix_s in (50, 40, 60, 1_000):
        clock.stand(unix_s * 1_000_000_000)
        shown.append(clock.unix_s())
    assert shown == [0.0, 50.0, 50.0, 60.0, 100.0]
    real.advance(5.0)
    assert clock.unix_s() == 100.0
    clock.let_go()
    clock.stand(0)
    assert (clock.unix_s(), clock.unix_ns()) == (105.0, 105_000_000_000)
