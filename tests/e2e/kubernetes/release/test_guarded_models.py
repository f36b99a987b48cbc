"""Real model servers in pods that the injector guarded: reached through the sidecar, and in no other way."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.guarded import ADMIN_PORT, VERDICTS, Guarded
from tests.e2e.kubernetes.release.workloads import KSERVE, MLSERVER, TORCHSERVE, TRITON, good
from tests.process import fetch, wait_until

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.e2e.kubernetes.release.release import Release

pytestmark = pytest.mark.heavy
OTHERS = (8002, 8082, 8282)
"""Metrics of Triton and of TorchServe, health of OPA: nothing is asked of a model there."""


@pytest.fixture(scope="module", params=[TORCHSERVE, TRITON, MLSERVER, KSERVE], ids=lambda workload: workload.name)
def guarded(request: pytest.FixtureRequest, release: Release) -> Generator[Guarded]:
    made = Guarded(release, request.param)
    yield made
    made.delete()


def test_good_and_bad_calls_through_the_running_pod(guarded: Guarded) -> None:
    assert guarded.verdicts() == VERDICTS


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
