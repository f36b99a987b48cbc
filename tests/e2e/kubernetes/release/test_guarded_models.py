"""Real model servers in pods that the injector guarded: reached through the sidecar, and in no other way."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.release import MODELS
from tests.e2e.kubernetes.release.workloads import KSERVE, MLSERVER, TORCHSERVE, TRITON, Workload, good, pods_of
from tests.process import fetch, wait_until
from tests.steps import step

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.e2e.kubernetes.release.release import Release
    from tests.process import Answer

pytestmark = pytest.mark.heavy
ADMIN_PORT = 8091
OTHERS = (8002, 8082, 8282)
"""Metrics of Triton and of TorchServe, health of OPA: nothing is asked of a model there."""


class Guarded:
    """A workload whose pod is ready."""

    def __init__(self, release: Release, workload: Workload) -> None:
        self.release = release
        self.workload = workload
        with step(f"{workload.name}: {workload.image} is guarded and ready"):
            workload.roll_out(release.cluster)
        [self.pod] = pods_of(release.cluster, workload)
        self.address: str = self.pod["status"]["podIP"]

    def call(self, score: float = 0.5, **headers: str) -> Answer:
        token = headers.pop("token", None) or self.release.issuer.token()
        return self.workload.call(self.release.cluster, token, score, **headers)

    def exposed(self) -> set[int]:
        """The ports by which the sidecar itself finds the model reachable past it."""
        page = self.admin("/metrics").body.decode()
        lines = [line for line in page.splitlines() if line.startswith("sidecar_model_exposed{")]
        assert lines != []
        return {int(line.split('"')[1]) for line in lines if line.endswith(" 1.0")}

    def admin(self, path: str) -> Answer:
        return fetch(f"http://{self.address}:{ADMIN_PORT}{path}")


@pytest.fixture(scope="module", params=[TORCHSERVE, TRITON, MLSERVER, KSERVE], ids=lambda workload: workload.name)
def guarded(request: pytest.FixtureRequest, release: Release) -> Generator[Guarded]:
    made = Guarded(release, request.param)
    yield made
    words = ["deployment,service", made.workload.name, f"--namespace={MODELS}", "--wait=false"]
    release.cluster.kubectl("delete", *words)


def test_good_and_bad_calls_through_the_running_pod(guarded: Guarded) -> None:
    answers = {
        "good": guarded.call(),
        "stale": guarded.call(X_Data_Version="stale"),
        "unknown": guarded.call(X_Data_Version="unheard-of"),
        "marketing": guarded.call(token=guarded.release.issuer.token(scope="marketing")),
        "no token": fetch(
            f"http://{guarded.address}:{guarded.workload.port}{guarded.workload.path}",
            guarded.workload.body(0.5),
            **good("", X_Consent_Token=""),
        ),
        "out of the band": guarded.call(0.9),
    }
    seen = {name: (answer.status, [] if answer.status == 200 else answer.codes) for name, answer in answers.items()}
    assert seen == {
        "good": (200, []),
        "stale": (403, ["data_stale"]),
        "unknown": (403, ["data_version_unknown"]),
        "marketing": (403, ["consent_scope_mismatch"]),
        "no token": (401, ["consent_missing"]),
        "out of the band": (403, ["score_out_of_band"]),
    }


def test_management_is_refused(guarded: Guarded) -> None:
    path = "/models" if guarded.workload is TORCHSERVE else "/v2/repository/index"
    address = f"http://{guarded.address}:{guarded.workload.port}{path}"
    answer = fetch(address, b"{}", **good(guarded.release.issuer.token()))
    assert (answer.status, answer.codes) == (403, ["management_forbidden"])


def test_no_other_port_leads_to_the_model(guarded: Guarded) -> None:
    """Of KServe's server one does, for it binds all addresses: that is told, and left to the NetworkPolicy."""
    declared = {guarded.workload.port, ADMIN_PORT, *OTHERS}
    candidates = {*range(7070, 7072), *range(8000, 8300), *range(18000, 18100), *range(9000, 9010)} - declared
    open_ports = {port for port in candidates if _answers(guarded.address, port)}
    expected = {18080} if guarded.workload is KSERVE else set[int]()
    assert open_ports == expected
    wait_until(lambda: guarded.exposed() == expected)  # it looks every few seconds


def test_the_pod_says_what_was_done_to_it(guarded: Guarded) -> None:
    spec, metadata = guarded.pod["spec"], guarded.pod["metadata"]
    names = [container["name"] for container in spec["initContainers"]]
    config = ["policy-torchserve-config"] if guarded.workload is TORCHSERVE else []
    assert names == ["policy-opa", "policy-sidecar", *config]
    assert metadata["labels"]["model-policy-sidecar.io/guarded"] == "true"
    explanation = metadata["annotations"]["model-policy-sidecar.io/explanation"]
    assert guarded.workload.name in explanation
    statuses = [*guarded.pod["status"]["initContainerStatuses"], *guarded.pod["status"]["containerStatuses"]]
    assert {status["name"]: status["restartCount"] for status in statuses} == dict.fromkeys(
        [*names, guarded.workload.name], 0
    )


def test_the_models_probe_goes_through_the_sidecar(guarded: Guarded) -> None:
    [container] = guarded.pod["spec"]["containers"]
    probe = container["readinessProbe"]["httpGet"]
    assert (probe["port"], probe["path"]) == (ADMIN_PORT, f"/app-health/{guarded.workload.name}/readiness")
    assert guarded.admin(probe["path"]).status == 200


def test_what_only_this_machine_may_see_is_not_shown(guarded: Guarded) -> None:
    assert [guarded.admin(path).status for path in ("/health/ready", "/status", "/decisions/x")] == [200, 404, 404]


def _answers(address: str, port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(0.5)
        return client.connect_ex((address, port)) == 0
