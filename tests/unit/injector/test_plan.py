"""What is refused, with its remedy; other problems are tested beside what finds them."""

from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import CONFIG, mlserver, pod, triton


def problems(given: dict[str, Any]) -> list[str]:
    with pytest.raises(PodRefused) as refused:
        plan_for(shaped(given), CONFIG)
    return refused.value.problems


def test_all_problems_are_told_at_once() -> None:
    container = triton(command=["sh", "-c", "tritonserver"], args=None, ports=[{"containerPort": 8091}])
    given = pod(container, hostNetwork=True, annotations={names.MODE: "shadow", names.PORT: "8000"})
    assert problems(given) == [
        "hostNetwork shares the node's loopback, where the model listens; remove it",
        "annotation model-policy-sidecar.io/mode: shadow is not allowed here; remove it, or ask for allow_shadow",
        "port 8091 of container triton is the sidecar's admin port; give the container another",
        "container triton starts its server by a shell's script, to which no flags can be added; write command and "
        "args as lists of words, or add to the script: --http-address=127.0.0.1 --http-port=8000 --allow-grpc=false "
        "--metrics-address=0.0.0.0",
    ]


def test_no_more_problems_than_can_be_read() -> None:
    privileged = [{"name": f"c{index}", "image": "x", "securityContext": {"privileged": True}} for index in range(100)]
    told = problems(pod(triton(), *privileged))
    assert (len(told), told[-1]) == (21, "and 80 more")


def test_no_flags_follow_two_dashes() -> None:
    assert problems(pod(triton(args=["tritonserver", "--"]))) == [
        "container triton ends its flags with --; remove that, so that --http-address=127.0.0.1 --http-port=8000 "
        "--allow-grpc=false --metrics-address=0.0.0.0 can follow"
    ]


def test_an_images_own_command_line_is_not_replaced() -> None:
    assert problems(pod(triton(args=None))) == [
        "container triton has neither command nor args; write args, so that --http-address=127.0.0.1 --http-port=8000 "
        "--allow-grpc=false --metrics-address=0.0.0.0 can follow"
    ]


@pytest.mark.parametrize("image", ["tensorflow/serving:2.19.0", "vllm/vllm-openai:v0.21.0", "kserve/xgbserver:v0.21.0"])
def test_flags_follow_an_entry_point_that_is_the_server(image: str) -> None:
    assert plan_for(shaped(pod({"name": "model", "image": image})), CONFIG).args


def test_variables_need_no_command_line() -> None:
    plan = plan_for(shaped(pod(mlserver(), annotations={names.UPSTREAM_TIMEOUT_S: "60"})), CONFIG)
    assert plan.args == ()
    assert plan.explanation == (
        "container mlserver serves the model: there is no other",
        "its server is mlserver: its image",
        "the sidecar takes port 8080: mlserver's own",
        *plan.binding.explained,
        "told to end, the model goes on for 70 s (drain 10 s, requests 60 s); grace is 115 s",
        "mode enforce, metadata endpoints deny, a request may take 60 s",
    )
