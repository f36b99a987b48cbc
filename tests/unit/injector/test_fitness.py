from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import CONFIG, pod, triton


def problems(given: dict[str, Any]) -> list[str]:
    with pytest.raises(PodRefused) as refused:
        plan_for(shaped(given), CONFIG)
    return refused.value.problems


def other(**changed: object) -> dict[str, Any]:
    return {"name": "other", "image": "other", **changed}


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        ({"hostNetwork": True}, "hostNetwork shares the node's loopback, where the model listens; remove it"),
        ({"hostPID": True}, "hostPID lets processes reach into others' files; remove it"),
        (
            {"shareProcessNamespace": True},
            "shareProcessNamespace lets containers reach into the guard's files; remove it",
        ),
        ({"os": {"name": "windows"}}, "os.name is 'windows'; the guard's images are for linux"),
        ({"initContainers": [other(name="triton")]}, "2 containers are named triton; rename them"),
    ],
)
def test_pods(spec: dict[str, Any], problem: str) -> None:
    assert problems(pod(triton(), **spec)) == [problem]


@pytest.mark.parametrize(
    ("container", "problem"),
    [
        (
            other(securityContext={"privileged": True}),
            "container other is privileged, and could change the guard's network and files; remove privileged",
        ),
        (
            other(securityContext={"capabilities": {"add": ["CAP_NET_ADMIN", "NET_RAW", "NET_BIND_SERVICE"]}}),
            "container other adds the capabilities NET_ADMIN, NET_RAW; remove them (Istio: use its CNI plugin)",
        ),
        (other(name="policy-sidecar"), "the name policy-sidecar is the guard's; rename the container"),
        (
            other(volumeMounts=[{"name": "policy-socket", "mountPath": "/s"}]),
            "container other mounts volume policy-socket, which is the guard's; rename the volume",
        ),
        (
            other(ports=[{"containerPort": 8000}]),
            "port 8000 of container other is the model's, triton; give the container another",
        ),
        (
            other(ports=[{"containerPort": 8282}]),
            "port 8282 of container other is OPA's health; give the container another",
        ),
        (
            other(ports=[{"containerPort": 9, "name": "policy-admin"}]),
            "port name policy-admin of container other: rename the port",
        ),
    ],
)
@pytest.mark.parametrize("field", ["containers", "initContainers"])
def test_containers(field: str, container: dict[str, Any], problem: str) -> None:
    given = pod(triton())
    given["spec"][field] = [*given["spec"].get(field, []), container]
    assert problems(given) == [problem]


def test_a_port_of_the_node_leads_past_a_service() -> None:
    assert problems(pod(triton(ports=[{"containerPort": 8001, "hostPort": 8001}, {"containerPort": 8000}]))) == [
        "hostPort 8001 of container triton leads past the sidecar; use a Service"
    ]


def test_a_model_on_the_admin_port() -> None:
    assert problems(pod(triton(args=["tritonserver", "--http-port=8091"], ports=[]))) == [
        "port 8091 is the sidecar's admin port; let the model use another"
    ]


def test_what_every_container_has_is_no_problem() -> None:
    harmless = other(
        securityContext={"privileged": False, "capabilities": {"add": ["CHOWN", "NET_BIND_SERVICE"]}},
        ports=[{"containerPort": 8000, "protocol": "UDP"}, {"containerPort": 15090}],
    )
    assert plan_for(shaped(pod(triton(), harmless, hostNetwork=False, os={"name": "linux"})), CONFIG)
