"""Explanations that are fetched, and decisions by rule in a prediction's place, with real model servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.servers.dialects import KSERVE_V1, MLSERVER, NAMED, POINTED, TORCHSERVE, Body, Dialect, tensor
from tests.e2e.servers.guarded import RULES, Guarded, guarded, server_of
from tests.e2e.servers.wire import compared

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

pytestmark = pytest.mark.heavy

BY_RULE = {"action": "fallback", "by": "credit_scoring"}
FEATURES = {"income": "input:income", "loan_amount": "input:loan_amount"}
GOOD, POOR = {"income": 50, "loan_amount": 150}, {"income": 50, "loan_amount": 151}
"""At three times the income the rule decides."""


def torchserve_row(score: float, row: Mapping[str, float]) -> Body:
    return {"forced_score": score, **row}


def v1_row(score: float, row: Mapping[str, float]) -> Body:
    return {"instances": [{"forced_score": score, **row}]}


def v2_row(score: float, row: Mapping[str, float]) -> Body:
    inputs = [tensor(name, [float(value)]) for name, value in row.items()]
    return {"id": "call-1", "inputs": [tensor("forced_score", [score]), *inputs]}


@dataclass(frozen=True)
class Mitigated:
    """A dialect, how one applicant is asked about in it, and how an answer by rule looks."""

    dialect: Dialect
    body: Callable[[float, Mapping[str, float]], Body]
    read: Mapping[str, Any]
    by_rule: Callable[[str], object]
    explain_path: str | None = None
    explain_read: str | None = None

    def __str__(self) -> str:
        return self.dialect.name

    def facts(self, **changes: object) -> dict[str, Any]:
        """All predictions in band or decided by rule; explanations are fetched where there is an endpoint."""
        rules = RULES | {"explanation": "enforce" if self.explain_path else "off"}
        return {
            "rules": rules,
            "read": {**self.read, "features": FEATURES},
            "loan_to_income_max": 3,
            "mitigation": {"fairness_band": BY_RULE, "explanation": BY_RULE},
            "explain": {"timeout_ms": 5_000, "read": self.explain_read} if self.explain_path else None,
            **changes,
        }


CASES = (
    Mitigated(
        MLSERVER,
        v2_row,
        NAMED,
        lambda label: {
            "model_name": "credit",
            "id": "call-1",
            "outputs": [{"name": "label", "shape": [1], "datatype": "BYTES", "data": [label]}],
        },
    ),
    Mitigated(
        TORCHSERVE,
        torchserve_row,
        POINTED,
        lambda label: {"label": label},
        "/explanations/credit",
        "pointer:/explanation",
    ),
    Mitigated(
        KSERVE_V1,
        v1_row,
        NAMED,
        lambda label: {"predictions": [{"label": label}]},
        "/v1/models/credit:explain",
    ),
)
EXPLAINING = [case for case in CASES if case.explain_path]


@dataclass(frozen=True)
class Running:
    """A case behind its sidecar."""

    case: Mitigated
    guarded: Guarded


@pytest.fixture(scope="module", params=CASES, ids=str)
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    case: Mitigated = request.param
    server = server_of(case.dialect, request)
    with guarded(tmp_path_factory.mktemp(case.dialect.name), case.dialect, server, **case.facts()) as made:
        yield Running(case, made)


@pytest.mark.parametrize(("row", "label"), [(GOOD, "approve"), (POOR, "refer")])
def test_a_rules_decision_takes_a_predictions_place_in_the_protocols_own_shape(
    running: Running, row: Mapping[str, float], label: str
) -> None:
    answer = running.guarded.call(running.case.body(0.9, row))
    assert (answer.status, answer.json) == (200, running.case.by_rule(label))
    assert answer.headers["x-decision-fallback"] == "true"
    assert b"0.9" not in answer.body
    assert running.guarded.kinds(answer) == ["INTENT", "OUTCOME replaced"]
    (obligation,) = running.guarded.record(answer)[1]["decision"]["obligations"]
    assert (obligation["rule"], obligation["by"]) == ("fairness_band", "credit_scoring")
    assert obligation["outputs"] == [{"label": label}]


def test_a_prediction_that_may_be_released_is_the_models_own(running: Running) -> None:
    body = running.case.body(0.5, GOOD)
    answer = running.guarded.call(body)
    assert compared(answer) == compared(running.guarded.direct(body))
    assert "x-decision-fallback" not in answer.headers


@pytest.mark.parametrize("running", EXPLAINING, ids=str, indirect=True)
def test_an_explanation_is_fetched_with_the_same_bytes_and_is_on_record(running: Running) -> None:
    case, served = running.case, running.guarded
    body = case.body(0.5, GOOD)
    before = len(served.tap.sent)
    answer = served.call(body)
    assert compared(answer) == compared(served.direct(body))
    sent = bytes(served.tap.sent[before:])
    assert f"POST {case.explain_path} HTTP/1.1".encode() in sent
    asked, explained = (part for part in sent.split(b"POST ") if part)
    assert asked.partition(b"\r\n\r\n")[2] == explained.partition(b"\r\n\r\n")[2]
    intent, outcome = served.record(answer)
    assert intent["explain"] == {"method": "POST", "path": case.explain_path, "timeout_ms": 5_000}
    assert len(outcome["input"]["prediction"]["explanation"]) == 64
    assert "explain" in outcome["stage_us"]


@pytest.mark.parametrize("row_label", [(GOOD, "approve"), (POOR, "refer")])
def test_an_explanation_that_comes_late_leaves_the_decision_to_the_rule(
    request: pytest.FixtureRequest, tmp_path: Any, row_label: tuple[Mapping[str, float], str]
) -> None:
    row, label = row_label
    case = EXPLAINING[0]
    explain = {"timeout_ms": 100, "read": case.explain_read}
    server = server_of(case.dialect, request)
    with guarded(tmp_path, case.dialect, server, **case.facts(explain=explain)) as served:
        answer = served.call({**case.body(0.5, row), "explain_delay_s": 1})
        assert (answer.status, answer.json) == (200, {"label": label})
        assert answer.headers["x-decision-fallback"] == "true"
        _, outcome = served.record(answer)
        assert outcome["result"] == "replaced"
        (obligation,) = outcome["decision"]["obligations"]
        assert (obligation["rule"], obligation["reasons"][0]["code"]) == ("explanation", "explanation_missing")


def test_where_nobody_explains_what_the_caller_wants_explained_is_refused(
    request: pytest.FixtureRequest, tmp_path: Any
) -> None:
    facts = CASES[0].facts(rules=RULES | {"explanation": "enforce"}, risk_tier="limited", mitigation={})
    with guarded(tmp_path, MLSERVER, server_of(MLSERVER, request), **facts) as served:
        assert served.call(v2_row(0.5, GOOD)).status == 200
        answer = served.call(v2_row(0.5, GOOD), X_Explanation="required")
        assert (answer.status, answer.codes) == (403, ["explanation_missing"])
        assert served.record(answer)[0]["explain"] is None
