from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import CONFIG, pod, triton

KSERVE = {"name": "kserve-container", "image": "kserve/sklearnserver:v0.21.0", "args": ["--model_name=credit"]}
CALLS = (
    "container other is told to call the model on loopback, past the sidecar; write its own pod's address "
    "(status.podIP) and port 8080 instead, or have it in a pod of its own"
)


def problems(*containers: dict[str, Any], **spec: object) -> list[str]:
    try:
        plan_for(shaped(pod(*containers, **spec)), CONFIG)
    except PodRefused as refused:
        return refused.problems
    return []


@pytest.mark.parametrize(
    "told",
    [
        {"args": ["--predictor_host=localhost:8080"]},
        {"command": ["proxy", "--upstream=http://127.0.0.1:8080/"]},
        {"env": [{"name": "MODEL", "value": "http://[::1]:18080"}]},
    ],
)
def test_who_is_told_to_call_the_model_itself(told: dict[str, Any]) -> None:
    other = {"name": "other", "image": "x", **told}
    assert problems(KSERVE, other) == [CALLS]
    assert problems(KSERVE, initContainers=[{**other, "restartPolicy": "Always"}]) == [CALLS]


@pytest.mark.parametrize("text", ["localhost:80800", "localhost:9090", "http://10.0.0.1:8080", "8080"])
def test_who_calls_something_else(text: str) -> None:
    assert problems(KSERVE, {"name": "other", "image": "x", "args": [text]}) == []


def test_known_proxies() -> None:
    assert problems(KSERVE, {"name": "agent", "image": "kserve/agent:v0.21.0"}) == [
        "container agent: KServe's agent calls the model itself; do without logger, batcher and model puller"
    ]
    assert problems(triton(), {"name": "agent", "image": "datadog/agent:7"}) == []
