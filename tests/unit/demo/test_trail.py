from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.audit.port import Kind, Record
from sidecar.demo.applications import Application
from sidecar.demo.calls import GOOD, MISTAKES, UNFAIR
from sidecar.demo.calls import Kind as CallKind
from sidecar.demo.replay import Answer
from sidecar.demo.trail import Story, Trail, differences, read_trail
from tests.unit.evidence.ledgers import Writer

if TYPE_CHECKING:
    from pathlib import Path

STALE = next(kind for kind in MISTAKES if kind.expected == "data_stale")
SHADOWED = {"code": "score_out_of_band", "rule": "fairness_band", "message": "…"}


def _decision(*codes: str, shadow: tuple[dict[str, str], ...] = ()) -> dict[str, Any]:
    reasons = [{"code": code, "message": "…"} for code in codes]
    return {"allow": not codes, "reasons": reasons, "shadow": list(shadow), "obligations": [], "ttl_s": 0}


def _write(audit_dir: Path, *records: dict[str, Any]) -> None:
    writer = Writer(audit_dir)
    for each in records:
        body = {name: value for name, value in each.items() if name != "kind"}
        writer.write(Record(Kind(each["kind"]), json.dumps(body).encode()))
    writer.close()


def _answer(decision_id: str, kind: CallKind, status: int, *codes: str) -> Answer:
    person = Application(1, "black", (), approved=True)
    return Answer(kind, person, status, decision_id, codes)


RELEASED = Story(["INTENT", "OUTCOME"], 200, "released", group="black", score=0.7, positive=True)
REFUSED = Story(["REFUSAL"], 403, "refused", ("data_stale",))
ANSWERS = [_answer("a", GOOD, 200), _answer("b", STALE, 403, "data_stale")]
TRAIL = Trail({"a": RELEASED, "b": REFUSED}, summarised=0, records=3)


def test_stories_are_read_from_the_log(tmp_path: Path) -> None:
    groups = {"groups": {"value": ["black"], "status": "present"}}
    prediction = {"status": 200, "scores": [0.7], "labels": ["approve"]}
    _write(
        tmp_path / "audit",
        {"kind": "EVENT", "event": "start"},
        {"kind": "INTENT", "decision_id": "a", "input": {"attributes": groups}, "decision": _decision()},
        {
            "kind": "REFUSAL",
            "decision_id": "b",
            "status": 403,
            "input": None,
            "decision": _decision("data_stale"),
        },
        {
            "kind": "OUTCOME",
            "decision_id": "a",
            "status": 200,
            "result": "released",
            "input": {"prediction": prediction},
            "decision": _decision(shadow=(SHADOWED,)),
            "positive": [0],
        },
        {"kind": "REFUSAL_SUMMARY", "count": 5, "reasons": {"body_malformed": 5}},
        {"kind": "EVENT", "event": "throttle_armed", "details": {"model": "m"}},
    )
    released = replace(RELEASED, shadow=(("fairness_band", "score_out_of_band"),))
    assert read_trail(tmp_path / "audit") == Trail(
        {"a": released, "b": REFUSED}, summarised=5, records=6, throttles=[("throttle_armed", "m")]
    )


def test_an_outcome_that_refuses_has_its_reasons(tmp_path: Path) -> None:
    outcome = {"kind": "OUTCOME", "decision_id": "a", "status": 403, "result": "refused", "positive": None}
    _write(
        tmp_path / "audit",
        {"kind": "INTENT", "decision_id": "a", "input": None, "decision": _decision()},
        {**outcome, "input": None, "decision": _decision("score_out_of_band", "group_unknown")},
    )
    story = Story(["INTENT", "OUTCOME"], 403, "refused", ("group_unknown", "score_out_of_band"))
    assert read_trail(tmp_path / "audit").stories == {"a": story}


def test_no_differences_where_all_agree() -> None:
    assert differences(ANSWERS, TRAIL, inferences=1) == []


def test_refusals_that_were_only_counted_are_no_difference() -> None:
    trail = Trail({"a": RELEASED}, summarised=1, records=3)
    assert differences(ANSWERS, trail, inferences=1) == []


@pytest.mark.parametrize(
    ("answers", "trail", "inferences", "told"),
    [
        (ANSWERS, TRAIL, 2, ["1 calls have an INTENT, but the model server saw 2"]),
        (
            ANSWERS,
            Trail({"a": RELEASED}, 0, 2),
            1,
            ["1 answers are not in the audit trail, which counts 0 in summaries"],
        ),
        (
            ANSWERS[:1],
            TRAIL,
            1,
            ["the audit trail has 1 decisions that nobody asked for"],
        ),
        (
            [ANSWERS[0], _answer("b", STALE, 403, "data_stale"), _answer("b", STALE, 403, "data_stale")],
            TRAIL,
            1,
            ["3 answers carry 2 different decision ids"],
        ),
        (
            ANSWERS,
            Trail({"a": replace(RELEASED, kinds=["INTENT"]), "b": REFUSED}, 0, 2),
            1,
            ["1 decisions left INTENT instead of REFUSAL or INTENT+OUTCOME"],
        ),
        (
            ANSWERS,
            Trail({"a": RELEASED, "b": replace(REFUSED, status=400)}, 0, 3),
            1,
            ["decision b: the caller saw 403 data_stale, the audit trail has 400 data_stale"],
        ),
        (
            [_answer("a", STALE, 200), ANSWERS[1]],
            TRAIL,
            1,
            ["1 calls, data older than 30 days: expected data_stale, got 200 "],
        ),
        (
            [_answer("a", GOOD, 502), ANSWERS[1]],
            Trail({"a": replace(RELEASED, status=502), "b": REFUSED}, 0, 3),
            1,
            ["1 calls, as it should be: expected forwarding, got 502 "],
        ),
    ],
)
def test_each_difference_is_told(answers: list[Answer], trail: Trail, inferences: int, told: list[str]) -> None:
    assert differences(answers, trail, inferences) == told


THROTTLED = Story(["REFUSAL"], 429, "refused", ("model_throttled",))
UNFAIR_ANSWERS = [_answer("c", UNFAIR, 200), _answer("d", UNFAIR, 429, "model_throttled")]
ARMED, RELEASED_EVENT = ("throttle_armed", "credit-skewed"), ("throttle_released", "credit-skewed")


@pytest.mark.parametrize(
    ("answers", "throttles", "told"),
    [
        (UNFAIR_ANSWERS, [ARMED, RELEASED_EVENT], []),
        ([], [], []),
        (
            UNFAIR_ANSWERS,
            [ARMED],
            [
                "of throttles the audit trail has: throttle_armed of credit-skewed; expected one of credit-skewed, "
                "armed and released, and no other"
            ],
        ),
        (
            [],
            [("throttle_armed", "credit")],
            [
                "of throttles the audit trail has: throttle_armed of credit; expected one of credit-skewed, armed "
                "and released, and no other"
            ],
        ),
        (
            UNFAIR_ANSWERS,
            [],
            [
                "of throttles the audit trail has: nothing; expected one of credit-skewed, armed and released, and no "
                "other"
            ],
        ),
    ],
)
def test_the_skewed_model_alone_is_to_be_throttled(
    answers: list[Answer], throttles: list[tuple[str, str]], told: list[str]
) -> None:
    stories = {"a": RELEASED, "b": REFUSED} | ({"c": RELEASED, "d": THROTTLED} if answers else {})
    trail = Trail(stories, summarised=0, records=9, throttles=throttles)
    found = differences([*ANSWERS, *answers], trail, inferences=2 if answers else 1)
    assert [" ".join(each.split()) for each in found] == told


def test_a_throttled_call_of_another_kind_is_a_difference() -> None:
    answers = [_answer("a", GOOD, 429, "model_throttled")]
    found = differences(answers, Trail({"a": THROTTLED}, 0, 1), inferences=0)
    assert found == ["1 calls, as it should be: expected forwarding, got 429 model_throttled"]


def test_calls_without_an_answer_are_told() -> None:
    found = differences([*ANSWERS, _answer("", GOOD, 0, "Timeout")], TRAIL, inferences=1)
    assert found[0] == "1 calls had no answer: Timeout"


def test_many_differences_are_cut() -> None:
    stories = {str(number): RELEASED for number in range(40)}
    answers = [_answer(str(number), GOOD, 403, "data_stale") for number in range(40)]
    found = differences(answers, Trail(stories, 0, 80), inferences=40)
    assert (len(found), found[-1]) == (11, "… and 31 more")
