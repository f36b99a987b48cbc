from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from sidecar.injector.values import PodRefused
from tests.unit.injector.pods import CONFIG, mlserver, pod, triton

if TYPE_CHECKING:
    from sidecar.injector.probes import Rewritten

KSERVE = {"name": "kserve-container", "image": "kserve/sklearnserver:v0.21.0", "args": ["--model_name=credit"]}
TFSERVING = {"name": "tf", "image": "tensorflow/serving"}
TIMES = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}


def rewritten(*containers: dict[str, Any], **spec: object) -> tuple[Rewritten, ...]:
    return plan_for(shaped(pod(*containers, **spec)), CONFIG).probes


def http(port: int, path: str) -> dict[str, Any]:
    return {"http": {"port": port, "path": path, "scheme": "HTTP", "headers": []}}


def test_the_kubelet_asks_the_sidecar_in_its_own_times() -> None:
    probe = {
        "httpGet": {"path": "/v2/health/live", "port": "http", "httpHeaders": [{"name": "X-A", "value": "1"}]},
        "initialDelaySeconds": 0,
        "periodSeconds": 5,
        "terminationGracePeriodSeconds": 9,
        "newField": "x",
    }
    [found] = rewritten(triton(livenessProbe=probe))
    assert found.name == "triton/liveness"
    assert found.probe == {
        "httpGet": {"path": "/app-health/triton/liveness", "port": 8091, "scheme": "HTTP"},
        **TIMES,
        "periodSeconds": 5,
        "terminationGracePeriodSeconds": 9,
        "newField": "x",
    }
    assert found.performed == {
        "http": {"port": 8000, "path": "/v2/health/live", "scheme": "HTTP", "headers": [["X-A", "1"]]},
        "timeout_s": 1,
    }


@pytest.mark.parametrize(
    ("container", "probe", "performed"),
    [
        (triton(), {"httpGet": {"port": 8000}}, http(8000, "/")),
        (triton(), {"httpGet": {"port": 8002, "path": "metrics"}}, http(8002, "/metrics")),
        (triton(), {"tcpSocket": {"port": 8000}}, {"tcp": {"port": 8000}}),
        (triton(), {"tcpSocket": {"port": 8001}}, http(8000, "/v2/health/ready")),
        (triton(), {"grpc": {"port": 8001, "service": "x"}}, http(8000, "/v2/health/ready")),
        (mlserver(), {"grpc": {"port": 8081}}, http(8080, "/v2/health/ready")),
        (KSERVE, {"tcpSocket": {"port": 8080}}, {"tcp": {"port": 18080}}),
        (KSERVE, {"httpGet": {"port": 8080, "path": "/v1/models"}}, http(18080, "/v1/models")),
        (TFSERVING, {"grpc": {"port": 8500}}, {"tcp": {"port": 18501}}),
    ],
)
def test_what_the_sidecar_performs(container: dict[str, Any], probe: dict[str, Any], performed: dict[str, Any]) -> None:
    [found] = rewritten({**container, "readinessProbe": probe})
    assert found.performed == {**performed, "timeout_s": 1}


@pytest.mark.parametrize(("given_s", "timeout_s"), [(None, 1), (0, 1), (3, 3), (60, 10)])
def test_the_sidecar_takes_no_longer_than_the_kubelet_waits(given_s: int | None, timeout_s: int) -> None:
    [found] = rewritten(triton(livenessProbe={"tcpSocket": {"port": 8000}, "timeoutSeconds": given_s}))
    assert found.performed == {"tcp": {"port": 8000}, "timeout_s": timeout_s}


@pytest.mark.parametrize(
    ("get", "problem"),
    [
        ({"path": "/a b"}, "triton/liveness http path: String should match pattern '^/[!-~]*$'"),
        ({"httpHeaders": [{"name": "a:"}]}, "triton/liveness http headers 0 0: String should match pattern "),
        ({"scheme": "FTP"}, "triton/liveness http scheme: Input should be 'HTTP' or 'HTTPS'"),
    ],
)
def test_what_the_sidecar_would_not_take(get: dict[str, Any], problem: str) -> None:
    with pytest.raises(PodRefused) as refused:
        rewritten(triton(livenessProbe={"httpGet": {"port": 8000, **get}}))
    [told] = refused.value.problems
    assert told.startswith(f"the sidecar cannot perform a probe: {problem}")
    assert told.endswith("; change it, or use exec in the container")


@pytest.mark.parametrize(
    "probe", [{"exec": {"command": ["true"]}}, {"httpGet": {"port": 80, "host": "example.com"}}, {}, None]
)
def test_what_the_kubelet_can_still_do(probe: dict[str, Any] | None) -> None:
    assert rewritten(triton(startupProbe=probe)) == ()


def test_probes_of_others_change_where_they_aim_at_the_model() -> None:
    other = {
        "name": "other",
        "image": "x",
        "livenessProbe": {"httpGet": {"port": 9090}},
        "readinessProbe": {"httpGet": {"port": 8000, "path": "/v2"}},
    }
    native = {**other, "name": "native", "restartPolicy": "Always"}
    found = rewritten(triton(), other, initContainers=[native])
    assert [(one.name, one.performed) for one in found] == [
        ("other/readiness", {**http(8000, "/v2"), "timeout_s": 1}),
        ("native/readiness", {**http(8000, "/v2"), "timeout_s": 1}),
    ]


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        (
            {"livenessProbe": {"httpGet": {"port": "web"}}},
            "liveness probe of container triton names port 'web', which the container has not; write its number",
        ),
        (
            {"startupProbe": {"httpGet": {"port": 8091}}},
            "startup probe of container triton calls port 8091, the sidecar's admin port; "
            "let it call the container's own",
        ),
        (
            {"lifecycle": {"postStart": {"httpGet": {"port": 8000}}}},
            "postStart hook of container triton calls a port of the model from outside; "
            "use exec in the container instead",
        ),
        (
            {"lifecycle": {"preStop": {"tcpSocket": {"port": "http"}}}},
            "preStop hook of container triton calls a port of the model from outside; "
            "use exec in the container instead",
        ),
    ],
)
def test_what_cannot_be_rewritten(changed: dict[str, Any], problem: str) -> None:
    with pytest.raises(PodRefused) as refused:
        rewritten(triton(**changed))
    assert refused.value.problems == [problem]
