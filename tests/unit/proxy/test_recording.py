from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from sidecar.model.prediction import Prediction
from sidecar.model.refusal import refused
from sidecar.proxy.observation import observation
from sidecar.proxy.recording import Recording
from tests.lab import DATA, RecordingWindow, infer, lab, v2_answer

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.fairness.window import Observation
    from sidecar.model.facts import ModelFacts

pytestmark = pytest.mark.anyio

THROTTLED = {"action": "throttle", "rate_per_s": 0.5, "hold_s": 60}


def out_of_band(mitigation: dict[str, Any]) -> dict[str, Any]:
    data = copy.deepcopy(DATA)
    data["models"]["credit"]["rules"] |= {"fairness_band": "enforce"}
    data["models"]["credit"]["mitigation"] = {"fairness_band": mitigation}
    return data


async def test_a_throttle_is_an_event_before_the_outcome_that_armed_it(tmp_path: Path) -> None:
    async with lab(tmp_path, data=out_of_band(THROTTLED)) as it:
        it.upstream.answer = v2_answer(0.99)
        assert [(await it.call(infer()))[0] for _ in range(3)] == [200, 200, 429]
        assert it.kinds() == ["INTENT", "EVENT", "OUTCOME released", "INTENT", "OUTCOME released", "REFUSAL"]


async def test_a_throttle_holds_even_if_another_guard_refuses(tmp_path: Path) -> None:
    data = out_of_band(THROTTLED)
    data["models"]["credit"]["rules"] |= {"explanation": "enforce"}
    async with lab(tmp_path, data=data) as it:
        it.upstream.answer = v2_answer(0.99)
        status, body = await it.call(infer())
        assert (status, [reason["code"] for reason in body["reasons"]]) == (403, ["explanation_missing"])
        assert it.kinds() == ["INTENT", "EVENT", "OUTCOME refused"]
        assert [case.armings for case, _ in it.observer.finished_cases] == [1]
        assert [(await it.call(infer()))[0] for _ in range(2)] == [403, 429]


async def test_a_refusal_of_the_request_arms_too(tmp_path: Path) -> None:
    data = copy.deepcopy(DATA)
    data["models"]["credit"]["mitigation"] = {"staleness": THROTTLED}
    async with lab(tmp_path, data=data) as it:
        request = infer(x_data_version="stale", x_consent_scope="marketing")
        assert (await it.call(request))[0] == 403
        assert it.kinds() == ["EVENT", "REFUSAL"]


async def test_an_arming_that_could_not_be_recorded_is_recorded_later(tmp_path: Path) -> None:
    async with lab(tmp_path, data=out_of_band(THROTTLED)) as it:
        it.upstream.answer = v2_answer(0.99)
        record, refusals = it.trail.event, [refused("audit_unavailable", "no room")]

        async def event(*told: Any) -> None:
            if refusals:
                raise refusals.pop()
            await record(*told)

        it.trail.event = event
        assert [(await it.call(infer()))[0] for _ in range(2)] == [503, 200]
        assert it.kinds() == ["INTENT", "OUTCOME failed", "INTENT", "EVENT", "OUTCOME released"]


async def test_in_shadow_mode_nothing_is_throttled(tmp_path: Path) -> None:
    async with lab(tmp_path, data=out_of_band(THROTTLED), mode="shadow") as it:
        it.upstream.answer = v2_answer(0.99)
        assert [(await it.call(infer()))[0] for _ in range(3)] == [200, 200, 200]
        assert "EVENT" not in it.kinds()
        assert it.window.status().armed == ()


class FailingWindow(RecordingWindow):
    def observe(self, facts: ModelFacts, seen: Observation) -> None:
        raise ZeroDivisionError


async def test_a_window_that_fails_to_count_holds_no_answer_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with lab(tmp_path) as it:
        window = FailingWindow(it.clock)
        object.__setattr__(it.exchange, "recording", Recording(it.trail, window, window, "enforce"))
        assert (await it.call(infer()))[0] == 200
        assert it.kinds() == ["INTENT", "OUTCOME released"]
    assert "the window did not count it" in caplog.text


async def test_what_the_record_lacks_is_not_counted_either(tmp_path: Path) -> None:
    async with lab(tmp_path) as it:
        await it.call(infer())
        [(case, _)] = it.observer.finished_cases
        assert observation(case) is not None
        case.response_question, case.prediction = None, Prediction(200, scores=(0.5,))
        assert observation(case) is None
