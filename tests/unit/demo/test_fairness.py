"""The demo's own look at the log it left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.calls import UNFAIR
from sidecar.demo.fairness import fairness_of
from sidecar.demo.policy_data import policy_data
from sidecar.demo.provoking import Provoked
from sidecar.demo.replay import Answer
from sidecar.demo.workspace import Workspace
from sidecar.fairness.throttle import Armed
from tests.unit.evidence.fairness.predicted import BEGINS_UNIX_S, Predicted

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.demo.applications import Application

MEANS = {"white": 0.9, "black": 0.8, "hispanic": 0.8}


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    place = Workspace(tmp_path)
    place.data.write_text(json.dumps(policy_data(BEGINS_UNIX_S, MEANS)))
    return place


def test_both_models_are_told_apart_and_drawn(place: Workspace, applications: list[Application]) -> None:
    log = Predicted(place.root)
    for model in ("credit", "credit", "credit-skewed"):
        log.exchange("w", [0], model=model)
    log.event(Armed("credit-skewed", None, 1.0, 5.0, BEGINS_UNIX_S + 9, 1))
    log.close()
    answers = [
        Answer(UNFAIR, applications[0], 200, "1", ()),
        Answer(UNFAIR, applications[0], 429, "2", ("model_throttled",)),
    ]
    fairness = fairness_of(place, Provoked(answers, 1, 4.5))
    assert [(model.model, model.predictions, model.limit) for model in fairness.models] == [
        ("credit", 2, 1.5),
        ("credit-skewed", 1, 1.5),
    ]
    assert (fairness.calls, fairness.before_throttle, fairness.throttled, fairness.throttled_s) == (2, 1, 1, 4.5)
    assert (fairness.rate_per_s, fairness.hold_s) == (1, 5)
    assert place.plot.read_bytes().startswith(b"\x89PNG")
    assert fairness.of("credit-skewed") is fairness.models[1]
    assert fairness.of("other") is None


def test_a_log_without_predictions_has_no_models(place: Workspace) -> None:
    Predicted(place.root).close()
    assert fairness_of(place, Provoked([], 0, 0.0)).models == ()
