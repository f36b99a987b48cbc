from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.shape import shaped
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import pod, triton


def problems(given: Any) -> list[str]:
    with pytest.raises(PodRefused) as refused:
        shaped(given)
    return refused.value.problems


def test_a_pod_is_copied_with_all_that_nobody_knows() -> None:
    given = pod(triton(restartPolicyRules=[{"x": None}]), volumes=None, newField={"a": [1, 2.5, True]})
    copied = shaped(given)
    assert copied == given
    assert copied["spec"] is not given["spec"]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([], "pod: Input should be a valid dictionary; `kubectl explain pod` shows what belongs there"),
        ({}, "spec: Field required; `kubectl explain pod` shows what belongs there"),
        (
            pod({"image": "x"}),
            "spec.containers.0.name: Field required; `kubectl explain pod` shows what belongs there",
        ),
        (
            pod(triton(ports=[{"containerPort": 65_536}])),
            "spec.containers.0.ports.0.containerPort: Input should be less than or equal to 65535; "
            "`kubectl explain pod` shows what belongs there",
        ),
        (
            pod(triton(ports=[{"containerPort": True}])),
            "spec.containers.0.ports.0.containerPort: Input should be a valid integer; "
            "`kubectl explain pod` shows what belongs there",
        ),
        (
            pod(triton(), terminationGracePeriodSeconds=-1),
            "spec.terminationGracePeriodSeconds: Input should be greater than or equal to 0; "
            "`kubectl explain pod` shows what belongs there",
        ),
    ],
)
def test_what_is_no_pod(given: Any, problem: str) -> None:
    assert problems(given) == [problem]


def test_no_more_problems_than_can_be_read() -> None:
    assert len(problems(pod(*[{"image": "x"}] * 1_000))) == 20


@pytest.mark.parametrize("odd", [{1: "key"}, {"x": "\ud800"}, {"x": 1 << 70}, {"x": object()}])
def test_what_is_no_json(odd: Any) -> None:
    [problem] = problems(pod(triton(), odd=odd))
    assert problem.startswith("the pod cannot be read: ")
