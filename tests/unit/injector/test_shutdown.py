from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.shutdown import Shutdown, plan_shutdown
from tests.unit.injector.pods import CONFIG


def planned(lifecycle: dict[str, Any] | None, spec: dict[str, Any]) -> Shutdown:
    container: Any = {"name": "c", "lifecycle": lifecycle}
    return plan_shutdown(container, spec, CONFIG, 30)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("lifecycle", "spec", "sleep_s", "grace_s"),
    [
        (None, {}, 40, 85),
        ({}, {"terminationGracePeriodSeconds": None}, 40, 85),
        ({"postStart": {"exec": {}}}, {"terminationGracePeriodSeconds": 0}, 40, 55),
        ({"preStop": {"sleep": {"seconds": 5}}}, {"terminationGracePeriodSeconds": 60}, 40, 115),
        ({"preStop": {"sleep": {"seconds": 50}}}, {"terminationGracePeriodSeconds": 60}, 50, 125),
    ],
)
def test_the_model_outlives_its_requests(
    lifecycle: dict[str, Any] | None, spec: dict[str, Any], sleep_s: int, grace_s: int
) -> None:
    assert planned(lifecycle, spec) == Shutdown(
        {"sleep": {"seconds": sleep_s}},
        grace_s,
        f"told to end, the model goes on for {sleep_s} s (drain 10 s, requests 30 s); grace is {grace_s} s",
    )


def test_a_hook_of_its_own_stays() -> None:
    told = "its own preStop hook stays, and has to take 40 s; grace is 85 s"
    assert planned({"preStop": {"exec": {"command": ["x"]}}}, {}) == Shutdown(None, 85, told)
