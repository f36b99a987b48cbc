from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from sidecar.fairness.windows import MemoryWindow
from sidecar.model.decision import Decision, Obligation
from sidecar.model.prediction import Prediction
from sidecar.model.reasons import Reason
from sidecar.model.refusal import Refused
from sidecar.proxy.obligations import arm_throttles, demands_explanation, replacement, unmet
from tests.lab import infer, lab
from tests.support import FixedClock

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.proxy.case import Case

pytestmark = pytest.mark.anyio


def decision(*obligations: Obligation) -> Decision:
    return Decision(allow=True, revision="r", obligations=obligations)


async def a_case(tmp_path: Path) -> Case:
    async with lab(tmp_path) as it:
        await it.call(infer())
        return it.observer.finished_cases[0][0]


async def test_a_fallback_takes_the_predictions_place_and_says_so(tmp_path: Path) -> None:
    obligation = Obligation("fallback", {"outputs": [{"score": 0.5, "label": "refer"}]})
    response = replacement(await a_case(tmp_path), decision(obligation))
    assert response is not None
    assert (b"x-decision-fallback", b"true") in response.headers
    outputs = {output["name"]: output["data"] for output in orjson.loads(response.body)["outputs"]}
    assert outputs == {"score": [0.5], "label": ["refer"]}


@pytest.mark.parametrize("outputs", [None, "refer", [], [{"score": 1}, {"score": 2}]])
async def test_a_fallback_that_does_not_fit_is_never_an_allow(tmp_path: Path, outputs: object) -> None:
    with pytest.raises(Refused) as caught:
        replacement(await a_case(tmp_path), decision(Obligation("fallback", {"outputs": outputs})))
    assert [reason.code for reason in caught.value.reasons] == ["policy_malformed"]


REQUIRE, FALLBACK = Obligation("require_explanation", {}), Obligation("fallback", {"outputs": [{}]})
UNEXPLAINED = (
    Reason("explanation_missing", "the policy requires an explanation of this prediction, and there is none"),
)


@pytest.mark.parametrize(
    ("asked", "answered", "explanation", "expected"),
    [
        ((REQUIRE,), (), None, UNEXPLAINED),
        ((), (REQUIRE,), None, UNEXPLAINED),
        ((REQUIRE,), (REQUIRE,), {}, UNEXPLAINED),
        ((REQUIRE,), (), {"income": 0.4}, ()),
        ((), (REQUIRE,), "low income", ()),
        ((REQUIRE,), (FALLBACK,), None, ()),
        ((), (), None, ()),
        ((Obligation("flag_review", {}),), (), None, ()),
    ],
)
async def test_no_prediction_is_released_without_an_explanation_that_is_required(
    tmp_path: Path,
    asked: tuple[Obligation, ...],
    answered: tuple[Obligation, ...],
    explanation: object,
    expected: tuple[Reason, ...],
) -> None:
    case = await a_case(tmp_path)
    case.decision, case.prediction = decision(*asked), Prediction(200, explanation=explanation)
    assert unmet(case, decision(*answered)) == expected
    assert demands_explanation(case.decision) is (REQUIRE in asked)


async def test_none_is_required_where_nothing_was_decided(tmp_path: Path) -> None:
    case = await a_case(tmp_path)
    case.decision = None
    assert unmet(case, decision()) == ()
    assert not demands_explanation(None)


async def test_flag_review_is_recorded_and_changes_nothing(tmp_path: Path) -> None:
    assert replacement(await a_case(tmp_path), decision(Obligation("flag_review", {}))) is None


async def test_a_throttle_is_armed_once_and_told_as_an_event(tmp_path: Path) -> None:
    throttle = MemoryWindow(FixedClock())
    wanted = decision(Obligation("throttle", {"rule": "disparate_impact", "rate_per_s": 1, "hold_s": 300}))
    case = await a_case(tmp_path)
    details = {
        "model": "credit",
        "version": None,
        "rate_per_s": 1.0,
        "hold_s": 300.0,
        "until_unix_s": FixedClock().unix_s() + 300.0,
        "number": 1,
        "decision_id": case.context.decision_id,
        "rule": "disparate_impact",
    }
    assert arm_throttles(case, (None, wanted), throttle) == [details]
    assert arm_throttles(case, (wanted,), throttle) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"rate_per_s": 1},
        {"rate_per_s": 0, "hold_s": 300},
        {"rate_per_s": True, "hold_s": 300},
        {"rate_per_s": float("inf"), "hold_s": 300},
        {"rate_per_s": "1", "hold_s": 300},
    ],
)
async def test_a_throttle_without_sound_numbers_is_never_an_allow(
    tmp_path: Path, parameters: dict[str, object]
) -> None:
    with pytest.raises(Refused) as caught:
        arm_throttles(
            await a_case(tmp_path), (decision(Obligation("throttle", parameters)),), MemoryWindow(FixedClock())
        )
    assert [reason.code for reason in caught.value.reasons] == ["policy_malformed"]
