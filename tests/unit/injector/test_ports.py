from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.asked import read_asked
from sidecar.injector.find import find
from sidecar.injector.ports import Ports, plan_ports
from sidecar.injector.servers.server import Doors
from sidecar.injector.shape import annotations_of, shaped
from tests.unit.injector.pods import CONFIG, mlserver, pod, triton


def planned(*containers: dict[str, Any], annotations: dict[str, str] | None = None) -> Ports | list[str]:
    given, problems = shaped(pod(*containers, annotations=annotations or {})), list[str]()
    asked = read_asked(annotations_of(given), CONFIG, problems)
    serving = find(given, asked, problems)
    assert serving is not None
    ports = plan_ports(given, serving, asked, CONFIG, problems)
    return problems if problems or ports is None else ports


def doors(*containers: dict[str, Any], **asked: str) -> Doors:
    ports = planned(*containers, annotations={names.PREFIX + name: value for name, value in asked.items()})
    assert isinstance(ports, Ports)
    return ports.doors


KSERVE = {"name": "kserve-container", "image": "kserve/sklearnserver:v0.21.0", "args": ["--model_name=credit"]}
TORCHSERVE = {"name": "torchserve", "image": "pytorch/torchserve:0.12.0-cpu"}
HTTP, GRPC, METRICS = (
    {"name": name, "containerPort": 8000 + index} for index, name in enumerate(("http", "grpc", "metrics"))
)


def test_the_port_moves_to_the_sidecar_metrics_stay_and_the_others_are_closed() -> None:
    assert planned(triton(ports=[HTTP, GRPC, METRICS, {"containerPort": 8000, "protocol": "UDP"}])) == Ports(
        doors=Doors(public=8000, upstream=8000, spare=8081),
        moved=(HTTP,),
        closed=(GRPC,),
        checked=(8000, 8001, 8080),
        explained=(
            "the sidecar takes port 8000: the container's entry in `ports`",
            "port 8001 (grpc) is closed: only what is judged gets in",
        ),
    )


def test_a_server_that_listens_everywhere_is_moved() -> None:
    ports = planned(KSERVE)
    assert ports == Ports(
        doors=Doors(public=8080, upstream=18080, spare=8081),
        moved=(),
        closed=(),
        checked=(8080, 8081, 18080),
        explained=("the sidecar takes port 8080: kserve's own",),
    )


def test_it_is_moved_to_a_port_that_nobody_has() -> None:
    other = {"name": "other", "ports": [{"containerPort": 18080}, {"containerPort": 18081}]}
    assert doors(KSERVE, other).upstream == 18082
    assert doors({**KSERVE, "args": ["--http_port=65000"]}).upstream == 20_000


def test_management_has_a_port_of_its_own() -> None:
    assert doors(TORCHSERVE).spare == 8081
    assert doors({**TORCHSERVE, "ports": [{"containerPort": 8081}]}) == Doors(8081, 8081, 8082)
    assert doors(TORCHSERVE, {"name": "other", "ports": [{"containerPort": 8081}]}).spare == 8082


@pytest.mark.parametrize(
    ("container", "asked", "public"),
    [
        (triton(ports=[]), {}, 8000),
        (triton(args=["tritonserver", "--http-port", "9000"]), {}, 9000),
        (triton(args=["tritonserver", "--http-port=9000"]), {"port": "9001"}, 9001),
        (triton(ports=[{"name": "web", "containerPort": 9002}]), {"port": "web"}, 9002),
        (triton(ports=[{"name": "http", "containerPort": 9003}, {"containerPort": 9004}]), {}, 9003),
        (triton(ports=[{"containerPort": 9005}]), {}, 9005),
        (triton(ports=[{"containerPort": 9005}, {"containerPort": 9006}]), {}, 8000),
        (mlserver(env=[{"name": "MLSERVER_HTTP_PORT", "value": "9007"}]), {}, 9007),
        (mlserver(), {}, 8080),
    ],
)
def test_which_port_clients_know(container: dict[str, Any], asked: dict[str, str], public: int) -> None:
    assert doors(container, **asked).public == public


@pytest.mark.parametrize(
    ("container", "asked", "problem"),
    [
        (
            triton(ports=[]),
            {"port": "web"},
            "annotation model-policy-sidecar.io/port: the serving container has no port 'web'; write its number",
        ),
        (
            triton(args=["tritonserver", "--http-port=$(PORT)"]),
            {},
            "--http-port is '$(PORT)', no port; say the port in annotation model-policy-sidecar.io/port",
        ),
        (
            triton(args=["tritonserver", "--http-port=70000"]),
            {},
            "--http-port is '70000', no port; say the port in annotation model-policy-sidecar.io/port",
        ),
        (
            mlserver(env=[{"name": "MLSERVER_HTTP_PORT", "valueFrom": {"configMapKeyRef": {}}}]),
            {},
            "MLSERVER_HTTP_PORT comes from elsewhere; say the port in annotation model-policy-sidecar.io/port",
        ),
        (
            triton(args=["tritonserver", "--http-port=80"]),
            {},
            "port 80 takes a privilege that the sidecar has not; let the model listen on 1024 or above",
        ),
    ],
)
def test_a_port_that_cannot_be_told(container: dict[str, Any], asked: dict[str, str], problem: str) -> None:
    annotations = {names.PREFIX + name: value for name, value in asked.items()}
    assert planned(container, annotations=annotations) == [problem]


def test_metrics_are_not_looked_at_wherever_they_are() -> None:
    ports = planned(triton(args=["tritonserver", "--metrics-port=8080"], ports=[{"containerPort": 8080}, HTTP]))
    assert isinstance(ports, Ports)
    assert (ports.closed, ports.checked) == ((), (8000, 8001))


def test_mlserver_has_its_metrics_on_loopback() -> None:
    ports = planned(mlserver(ports=[{"name": "metrics", "containerPort": 8082}, {"containerPort": 8080}]))
    assert isinstance(ports, Ports)
    assert ports.closed == ({"name": "metrics", "containerPort": 8082},)
