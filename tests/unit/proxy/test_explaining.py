"""The explanation that is fetched beside the prediction, through whole exchanges."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.decision import Decision, Obligation
from sidecar.model.endpoint import Endpoint, EndpointKind
from sidecar.model.explain import ExplainCall
from sidecar.model.message import Response
from sidecar.model.refusal import refused
from sidecar.proxy.explaining import DEFAULT_TIMEOUT_MS, explain_call, is_explanation
from tests.lab import DATA, infer, lab, v2_answer

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from sidecar.policy.permit import Permit
    from sidecar.proxy.upstream import Mark
    from tests.lab import Lab

pytestmark = pytest.mark.anyio

PATH = "/v2/models/credit/explain"
WEIGHTS = Response(200, (), b'{"explanations":[{"income":0.4}]}')
ANSWER = v2_answer()


def data(rule: str = "enforce", **model: object) -> dict[str, Any]:
    """One model whose explanations are fetched, with its rule `explanation` in this mode; None takes a fact away."""
    changed: dict[str, Any] = copy.deepcopy(DATA)
    facts = changed["models"]["credit"] | {"explain": {"timeout_ms": 250}, **model}
    facts["rules"] |= {"explanation": rule}
    changed["models"]["credit"] = {key: value for key, value in facts.items() if value is not None}
    return changed


def explaining(
    folder: Path, rule: str = "enforce", mode: str = "enforce", kind: str = "torchserve", **model: object
) -> AbstractAsyncContextManager[Lab]:
    return lab(folder, data=data(rule, **model), mode=mode, server_kind=kind)


def outcome_of(it: Lab) -> str | None:
    return it.observer.finished_cases[-1][0].explained


async def test_the_judged_bytes_go_to_both_endpoints_and_the_explanation_is_on_record(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        request = infer()
        response = await it.exchange.handle(request)
        assert response is not None
        assert (response.status, response.body) == (200, ANSWER.body)
        assert it.upstream.received == [request]
        assert it.upstream.explained == [request._replace(path=PATH)]
        assert it.upstream.marks[0] == it.upstream.marks[1]
        intent, outcome = it.records()
        assert intent["explain"] == {"method": "POST", "path": PATH, "timeout_ms": 250}
        assert len(outcome["input"]["prediction"]["explanation"]) == 64
        case, _ = it.observer.finished_cases[0]
        assert case.response_question is not None
        assert case.response_question.shape["prediction"] == {
            "status": 200,
            "scores": (0.5,),
            "labels": ("approve",),
            "features": None,
            "explanation": {"explanations": [{"income": 0.4}]},
        }
        assert (case.explained, "explain" in case.stage_us) == ("explained", True)


async def test_a_coded_answer_is_decoded(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        it.upstream.explanation = Response(200, GZIPPED, gzip.compress(WEIGHTS.body))
        assert (await it.call(infer()))[0] == 200
        assert it.observer.finished_cases[0][0].explanation == {"explanations": [{"income": 0.4}]}


@pytest.mark.parametrize(
    ("read", "explanation"),
    [(None, {"explanations": [{"income": 0.4}]}), ("pointer:/explanations/0", {"income": 0.4})],
)
async def test_the_explanation_lies_where_the_facts_say(tmp_path: Path, read: str | None, explanation: object) -> None:
    async with explaining(tmp_path, explain={"timeout_ms": 250, "read": read}) as it:
        await it.call(infer())
        case, _ = it.observer.finished_cases[0]
        assert case.explanation == explanation


@pytest.mark.parametrize(
    ("rule", "tier", "header", "fetched"),
    [
        ("enforce", "high", "", True),
        ("enforce", None, "", True),
        ("shadow", "high", "", True),
        ("off", "high", "", False),
        ("off", "high", "required", True),
        ("enforce", "limited", "", False),
        ("enforce", "limited", "required", True),
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
async def test_it_is_fetched_where_it_is_needed(
    tmp_path: Path, mode: str, rule: str, tier: str | None, header: str, fetched: bool
) -> None:
    async with explaining(tmp_path, rule, mode, risk_tier=tier) as it:
        status, _ = await it.call(infer(x_explanation=header))
        assert (status, len(it.upstream.explained)) == (200, int(fetched))
        assert (it.records()[0]["explain"] is not None) is fetched
        assert outcome_of(it) == ("explained" if fetched else None)


GZIPPED = ((b"content-encoding", b"gzip"),)
MISSING = refused("upstream_timeout", "x")


@pytest.mark.parametrize(
    ("explanation", "outcome"),
    [
        (MISSING, "upstream_timeout"),
        (refused("upstream_unreachable", "x"), "upstream_unreachable"),
        (refused("upstream_malformed", "x"), "upstream_malformed"),
        (refused("response_too_large", "x"), "response_too_large"),
        (refused("overloaded", "x"), "overloaded"),
        (Response(404, (), b'{"why":1}'), "status"),
        (Response(500, (), b'{"why":1}'), "status"),
        (Response(200, (), b'{"why":'), "prediction_unreadable"),
        (Response(200, (), b'{"why":NaN}'), "prediction_unreadable"),
        (Response(200, (), b""), "prediction_unreadable"),
        (Response(200, GZIPPED, b"no gzip"), "prediction_unreadable"),
        (Response(200, GZIPPED, gzip.compress(bytes(9 << 20))), "prediction_unreadable"),
        (Response(200, (), b"[" * 65 + b"]" * 65), "prediction_unreadable"),
        (Response(200, (), b"{}"), "empty"),
        (Response(200, (), b"null"), "empty"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("rule", ["enforce", "shadow"])
async def test_whatever_goes_wrong_leaves_none_and_the_rule_decides(
    tmp_path: Path, rule: str, explanation: Any, outcome: str
) -> None:
    async with explaining(tmp_path, rule) as it:
        it.upstream.explanation = explanation
        status, body = await it.call(infer())
        if rule == "enforce":
            assert (status, [reason["code"] for reason in body["reasons"]]) == (403, ["explanation_missing"])
        else:
            assert status == 200
            assert [reason["code"] for reason in it.records()[1]["decision"]["shadow"]] == ["explanation_missing"]
        assert outcome_of(it) == outcome
        assert it.exchange.budget.held == 0


async def test_a_fallback_takes_the_place_of_what_is_not_explained(tmp_path: Path) -> None:
    changes = {
        "mitigation": {"explanation": {"action": "fallback", "by": "credit_scoring"}},
        "loan_to_income_max": 3,
        "read": DATA["models"]["credit"]["read"]
        | {"features": {"income": "input:income", "loan_amount": "input:income"}},
    }
    async with explaining(tmp_path, **changes) as it:
        it.upstream.explanation = MISSING
        response = await it.exchange.handle(infer())
        assert response is not None
        assert response.status == 200
        assert (b"x-decision-fallback", b"true") in response.headers
        assert b'"approve"' in response.body
        assert it.kinds() == ["INTENT", "OUTCOME replaced"]
        (obligation,) = it.records()[1]["decision"]["obligations"]
        assert (obligation["by"], obligation["outputs"]) == ("credit_scoring", [{"label": "approve"}])


async def test_a_server_without_such_an_endpoint_has_none(tmp_path: Path) -> None:
    async with explaining(tmp_path, kind="mlserver") as it:
        status, _ = await it.call(infer())
        assert (status, it.upstream.explained, it.records()[0]["explain"]) == (403, [], None)
        assert outcome_of(it) == "endpoint_unknown"


async def test_an_answer_that_is_to_carry_its_explanation_needs_no_call(tmp_path: Path) -> None:
    read = DATA["models"]["credit"]["read"] | {"explanation": "output:score"}
    async with explaining(tmp_path, explain=None, read=read) as it:
        assert (await it.call(infer()))[0] == 200
        assert (it.upstream.explained, outcome_of(it)) == ([], None)


async def test_who_asks_the_explain_endpoint_itself_gets_one_call_and_it_is_the_explanation(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        it.upstream.answer = ANSWER
        assert (await it.call(infer(path=PATH)))[0] == 200
        assert it.upstream.explained == []
        case, _ = it.observer.finished_cases[0]
        assert case.prediction is not None
        assert is_explanation(case.prediction.explanation)


V1 = json.dumps({"instances": [{"income": 50}]}).encode()
V1_ANSWER = Response(200, (), b'{"predictions":[{"score":0.5,"label":"approve"}]}')


@pytest.mark.parametrize(
    ("answer", "explanation", "outcome"),
    [
        (b'{"predictions":[{}],"explanations":[{"income":0.4}]}', [{"income": 0.4}], "explained"),
        (b'{"predictions":[{"score":0.5,"label":"approve"}]}', None, "empty"),
        (b'{"explanations":[]}', [], "empty"),
    ],
)
async def test_v1_has_a_word_for_explanations_and_a_prediction_is_none(
    tmp_path: Path, answer: bytes, explanation: object, outcome: str
) -> None:
    async with explaining(tmp_path, "shadow", kind="kserve") as it:
        it.upstream.answer, it.upstream.explanation = V1_ANSWER, Response(200, (), answer)
        assert (await it.call(infer(path="/v1/models/credit:predict", body=V1)))[0] == 200
        assert [request.path for request in it.upstream.explained] == ["/v1/models/credit:explain"]
        case, _ = it.observer.finished_cases[0]
        assert (case.explanation, case.explained) == (explanation, outcome)


# Both calls at once.


class Hanging:
    """Explanations that never come, and whether their call was cut off."""

    def __init__(self) -> None:
        self.asked, self.cut = asyncio.Event(), asyncio.Event()

    async def __call__(self) -> Response:
        self.asked.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.cut.set()
        raise AssertionError


async def test_the_explain_call_goes_out_while_the_prediction_is_on_its_way(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        asked = asyncio.Event()

        async def explanation() -> Response:
            asked.set()
            return WEIGHTS

        async def send(permit: Permit, mark: Mark, *, whole_stream: bool = False) -> Response:
            permit.spend()
            await asked.wait()
            return ANSWER

        it.upstream.explanation = explanation
        it.upstream.send = send  # type: ignore[method-assign]
        assert (await it.call(infer()))[0] == 200


@pytest.mark.parametrize("status", [400, 503])
async def test_an_error_of_the_model_server_waits_for_no_explanation(tmp_path: Path, status: int) -> None:
    async with explaining(tmp_path) as it:
        hanging = Hanging()
        it.upstream.explanation = hanging

        async def send(permit: Permit, mark: Mark, *, whole_stream: bool = False) -> Response:
            permit.spend()
            await hanging.asked.wait()
            return Response(status, (), b"{}")

        it.upstream.send = send  # type: ignore[method-assign]
        assert (await it.call(infer()))[0] == status
        assert (hanging.cut.is_set(), outcome_of(it)) == (True, "cancelled")


async def test_a_prediction_that_fails_ends_the_explain_call_even_before_it_began(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        it.upstream.answer = refused("upstream_unreachable", "x")
        assert (await it.call(infer()))[0] == 502
        assert (it.upstream.explained, outcome_of(it), it.kinds()) == ([], "cancelled", ["INTENT", "OUTCOME failed"])


@pytest.mark.parametrize("why", [None, "shutting_down"])
async def test_who_leaves_or_stops_ends_both_calls(tmp_path: Path, why: str | None) -> None:
    async with explaining(tmp_path) as it:
        hanging = Hanging()
        it.upstream.explanation = hanging
        task = asyncio.create_task(it.exchange.handle(infer()))
        await hanging.asked.wait()
        if why is None:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert it.kinds() == ["INTENT", "OUTCOME aborted"]
        else:
            task.cancel(why)
            response = await task
            assert response is not None
            assert (response.status, it.kinds()) == (503, ["INTENT", "OUTCOME failed"])
        assert hanging.cut.is_set()
        assert it.exchange.budget.held == 0


async def test_both_answers_count_while_they_are_held(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        held: list[int] = []
        decide = it.policy.decide

        async def looking(question: Any, *, cacheable: bool) -> Decision:
            held.append(it.exchange.budget.held)
            return await decide(question, cacheable=cacheable)

        it.policy.decide = looking  # type: ignore[method-assign]
        await it.call(infer())
        assert held == [0, len(ANSWER.body) + len(WEIGHTS.body)]
        assert it.exchange.budget.held == 0


# Which call it is.


def path_of(_: Endpoint) -> str | None:
    return PATH


REQUIRED = Obligation("require_explanation", {"timeout_ms": 40})


@pytest.mark.parametrize(
    ("facts", "obligations", "timeout_ms"),
    [
        ({"explain": {"timeout_ms": 250}}, (REQUIRED,), 40),
        ({"explain": {"timeout_ms": 250}}, (Obligation("require_explanation", {}),), 250),
        ({"explain": None}, (REQUIRED,), 40),
        ({"explain": None}, (Obligation("require_explanation", {}),), DEFAULT_TIMEOUT_MS),
        ({"explain": None}, (Obligation("flag_review", {}),), None),
        ({"explain": None}, (), None),
    ],
)
async def test_an_obligation_demands_the_same_call(
    tmp_path: Path, facts: dict[str, Any], obligations: tuple[Obligation, ...], timeout_ms: int | None
) -> None:
    async with explaining(tmp_path, **facts) as it:
        await it.call(infer())
        case, _ = it.observer.finished_cases[0]
        found = explain_call(case, Decision(True, "r", obligations=obligations), path_of)
        assert found == (None if timeout_ms is None else ExplainCall(PATH, timeout_ms))


async def test_a_stream_never_has_one(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        await it.call(infer())
        case, _ = it.observer.finished_cases[0]
        assert case.inquiry is not None
        allow = Decision(True, "r", obligations=(REQUIRED,))
        assert explain_call(case, allow, path_of) == ExplainCall(PATH, 40)
        case.inquiry = case.inquiry._replace(call=case.inquiry.call._replace(stream=True))
        assert explain_call(case, allow, path_of) is None


async def test_neither_has_a_request_that_was_not_read_nor_one_that_asks_for_an_explanation(tmp_path: Path) -> None:
    async with explaining(tmp_path) as it:
        await it.call(infer())
        case, _ = it.observer.finished_cases[0]
        assert case.inquiry is not None
        asks = Endpoint(EndpointKind.INFER, "v2", "explain", "credit")
        case.inquiry = case.inquiry._replace(call=case.inquiry.call._replace(endpoint=asks))
        assert explain_call(case, Decision(True, "r"), path_of) is None
        case.inquiry = None
        assert explain_call(case, Decision(True, "r"), path_of) is None


@pytest.mark.parametrize(
    ("value", "is_one"),
    [(None, False), (False, False), ("", False), ([], False), ({}, False), (0, True), ("x", True), ([None], True)],
)
def test_what_is_an_explanation(value: object, is_one: bool) -> None:
    assert is_explanation(value) is is_one
