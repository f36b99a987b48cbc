from __future__ import annotations

import pytest

from sidecar.model.facts import (
    Explain,
    Facts,
    GroupPlace,
    GroupSource,
    ModelFacts,
    Place,
    Positive,
    Reader,
    ReadPlan,
)
from sidecar.policy.facts import FEATURES_LIMIT, PROBLEM_LIMIT, FactsInvalid, read_facts
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


def explained(**changes: object) -> ModelFacts:
    return read_facts(Answer({"models": {"credit": changes}}, "r1")).of("credit")


@pytest.mark.parametrize(
    ("explain", "expected"),
    [
        ({"timeout_ms": 500}, Explain(500)),
        ({"timeout_ms": 1, "read": None}, Explain(1)),
        (
            {"timeout_ms": 30_000, "read": "pointer:/explanations"},
            Explain(30_000, Reader(Place.POINTER, "/explanations")),
        ),
        ({"timeout_ms": 500, "read": "output:why"}, Explain(500, Reader(Place.OUTPUT, "why"))),
        (None, None),
    ],
)
def test_explanations_may_be_fetched(explain: object, expected: Explain | None) -> None:
    assert explained(explain=explain).explain == expected


@pytest.mark.parametrize(
    ("explain", "told"),
    [
        ({}, "models.credit.explain.timeout_ms"),
        ({"timeout_ms": 0}, "models.credit.explain.timeout_ms"),
        ({"timeout_ms": 30_001}, "models.credit.explain.timeout_ms"),
        ({"timeout_ms": True}, "models.credit.explain.timeout_ms"),
        ({"timeout_ms": 0.5}, "models.credit.explain.timeout_ms"),
        ({"timeout_ms": 500, "read": "first_number"}, "models.credit.explain.read"),
        (True, "models.credit.explain"),
    ],
)
def test_what_says_how_they_are_fetched_is_checked(explain: object, told: str) -> None:
    (problem,) = problems({"credit": {"explain": explain}})
    assert problem.startswith(f"facts: {told}: ")


def test_an_explanation_has_one_place() -> None:
    both = {"explain": {"timeout_ms": 500}, "read": {"explanation": "output:why"}}
    (problem,) = problems({"credit": both})
    assert problem.endswith("give either explain or read.explanation: answers carry one, or it is fetched")


def test_features_are_bounded() -> None:
    features = {f"x{number}": f"input:x[{number}]" for number in range(FEATURES_LIMIT)}
    assert len(explained(read={"features": features}).read.features) == FEATURES_LIMIT
    (problem,) = problems({"credit": {"read": {"features": {**features, "more": "input:y"}}}})
    assert problem.startswith("facts: models.credit.read.features: ")
