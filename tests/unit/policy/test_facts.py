from __future__ import annotations

import pytest

from sidecar.model.facts import (
    Facts,
    GroupPlace,
    GroupSource,
    ModelFacts,
    Place,
    Positive,
    Reader,
    ReadPlan,
)
from sidecar.policy.facts import PROBLEM_LIMIT, FactsInvalid, read_facts
from sidecar.policy.port import UNDEFINED, Answer

CREDIT = {
    "risk_tier": "high",
    "band": 0.1,
    "batch": False,
    "stream": "judge",
    "rules": {"consent": "shadow"},
    "unknown_group": "deny",
    "read": {
        "score": "output:score[1]",
        "label": "pointer:/a/0",
        "explanation": None,
        "positive": {"score_at_least": 0.5},
        "score_range": [0, 1],
        "group": "header:x-protected-group",
        "features": {"income": "input:x[3]"},
    },
}


def problems(models: object) -> tuple[str, ...]:
    with pytest.raises(FactsInvalid) as raised:
        read_facts(Answer({"models": models}, "r1"))
    return raised.value.problems


def test_all_that_the_sidecar_must_know() -> None:
    value = {"models": {"credit": CREDIT}, "guards": {"consent": ["request"]}, "absent": ["staleness.request"]}
    plan = ReadPlan(
        score=Reader(Place.OUTPUT, "score", 1),
        label=Reader(Place.POINTER, "/a/0"),
        features={"income": Reader(Place.INPUT, "x", 3)},
        group=GroupSource(GroupPlace.HEADER, "header:X-Protected-Group"),
        positive=Positive(score_at_least=0.5),
        score_range=(0.0, 1.0),
    )
    assert read_facts(Answer(value, "r1")) == Facts(
        "r1",
        {
            "credit": ModelFacts(
                "credit",
                batch=False,
                stream="judge",
                answers_judged=False,
                read=plan,
                rules={"consent": "shadow"},
                risk_tier="high",
            )
        },
        {"consent": ("request",)},
        ("staleness.request",),
    )


def test_a_model_of_which_nothing_is_said_has_the_defaults() -> None:
    facts = read_facts(Answer({"models": {"credit": {}}}, "r1"))
    assert facts.models == {"credit": ModelFacts("credit", answers_judged=False)}


@pytest.mark.parametrize(
    ("rules", "judged"),
    [
        ({}, True),  # a shipped rule not named is enforced
        ({"fairness_band": "off"}, False),
        ({"fairness_band": "shadow"}, False),
        ({"fairness_band": "Off"}, True),
        ({"fairness_band": "off", "mine": "enforce"}, True),
        ({"fairness_band": "off", "mine": "shadow"}, False),
        ({"fairness_band": "off", "consent": "enforce"}, False),
    ],
)
def test_answers_are_judged_where_a_rule_for_them_is_enforced(rules: dict[str, str], judged: bool) -> None:
    guards = {"fairness_band": ["response"], "mine": ["request", "response"], "consent": ["request"]}
    facts = read_facts(Answer({"models": {"credit": {"rules": rules}}, "guards": guards}, "r1"))
    assert facts.of("credit").answers_judged is judged


def test_undefined_facts_are_a_problem() -> None:
    with pytest.raises(FactsInvalid, match="undefined"):
        read_facts(Answer(UNDEFINED, "r1"))


@pytest.mark.parametrize("value", [None, [], "facts", 1])
def test_facts_are_an_object(value: object) -> None:
    with pytest.raises(FactsInvalid):
        read_facts(Answer(value, "r1"))


def test_all_problems_come_at_once() -> None:
    found = problems(
        {
            "a": {"batch": "no", "risk_tier": 1, "rules": {"consent": True}},
            "b": {"read": {"score": "score", "group": "output:x", "positive": {}, "features": {"x": 1}}},
            "c": {"read": {"score_range": [1, 0]}},
            "d": 1,
        }
    )
    assert sorted(problem.split(": ")[1] for problem in found) == [
        "models.a.batch",
        "models.a.risk_tier",
        "models.a.rules.consent",
        "models.b.read.features.x",
        "models.b.read.group",
        "models.b.read.positive",
        "models.b.read.score",
        "models.c.read",
        "models.d",
    ]
    assert len(problems({str(number): 1 for number in range(500)})) == PROBLEM_LIMIT


@pytest.mark.parametrize(
    ("read", "told"),
    [
        ({"score_range": [0]}, "score_range is [least, greatest]"),
        ({"score_range": [0, float("inf")]}, "finite"),
        ({"score": "output:s", "positive": {"label": "yes"}}, "positive.label needs read.label"),
        ({"label": "output:l", "positive": {"score_at_least": 1}}, "positive.score_at_least needs read.score"),
        ({"label": "output:l", "positive": {"label": "a", "score_at_least": 1}}, "either label or score_at_least"),
    ],
)
def test_what_does_not_fit_together(read: object, told: str) -> None:
    (problem,) = problems({"credit": {"read": read}})
    assert told in problem


def test_skip_band_is_refused_where_the_caller_names_its_own_group() -> None:
    (problem,) = problems({"credit": CREDIT | {"unknown_group": "skip_band"}})
    assert "skip_band is refused together with a header" in problem
    vouched = CREDIT | {"unknown_group": "skip_band", "read": {"group": "claim:group"}}
    assert "credit" in read_facts(Answer({"models": {"credit": vouched}}, "r1")).models


@pytest.mark.parametrize(
    ("what", "reader"),
    [
        ("score", "most_probable"),
        ("score", "input:x"),
        ("label", "probability:approve"),
        ("label", "first_number"),
        ("label", "input:x"),
        ("explanation", "first_number"),
        ("explanation", "input:x"),
    ],
)
def test_a_reader_must_give_what_it_is_declared_for(what: str, reader: str) -> None:
    (problem,) = problems({"credit": {"read": {what: reader}}})
    assert problem.startswith(f"facts: models.credit.read.{what}: '{reader}' cannot be read as this; output, pointer")
