"""What operators and authors change while calls come: none of these is lost, and none goes past the sidecar."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.release import MODELS, NAME, SYSTEM
from tests.e2e.kubernetes.release.traffic import Traffic
from tests.e2e.kubernetes.release.workloads import TORCHSERVE, await_rollout, pods_of
from tests.kubernetes.forwarding import ready_addresses
from tests.kubernetes.programs import CommandFailed
from tests.process import wait_until
from tests.steps import step

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.e2e.kubernetes.release.release import Release
    from tests.kubernetes.cluster import Cluster

pytestmark = pytest.mark.heavy
IN_FLIGHT = "--max-in-flight=256"


@pytest.fixture(scope="module")
def loans(release: Release) -> Generator[Release]:
    """Two pods of TorchServe, replaced one at a time."""
    with step("two pods of TorchServe are guarded and ready"):
        TORCHSERVE.roll_out(release.cluster, replicas=2)
    yield release
    words = ["deployment,service", TORCHSERVE.name, f"--namespace={MODELS}", "--wait=false"]
    release.cluster.kubectl("delete", *words)


def replaced(cluster: Cluster) -> None:
    """Every pod of the Deployment by a new one."""
    cluster.kubectl("rollout", "restart", f"deployment/{TORCHSERVE.name}", f"--namespace={MODELS}")
    await_rollout(cluster, TORCHSERVE.name)


def flags(cluster: Cluster) -> list[bool]:
    """Of each pod: whether its sidecar was started with the setting that the upgrade brings."""
    pods = pods_of(cluster, TORCHSERVE)
    sidecars = [each for pod in pods for each in pod["spec"]["initContainers"] if each["name"] == "policy-sidecar"]
    return [IN_FLIGHT in sidecar["args"] for sidecar in sidecars]


def assert_all_well(traffic: Traffic) -> None:
    assert traffic.lost == []
    assert traffic.unexpected == []
    assert traffic.unjudged() == []


def test_the_chart_is_upgraded_and_rolled_back(loans: Release) -> None:
    traffic = Traffic(loans.cluster, TORCHSERVE, loans.issuer)
    with traffic.flowing():
        traffic.await_more(20)
        loans.values["guard"]["settings"]["max_in_flight"] = 256
        with step("the chart is upgraded"):
            loans.upgrade()
        assert flags(loans.cluster) == [False, False]  # running pods stay as they are
        with step("every pod is replaced by a new one"):
            replaced(loans.cluster)
        assert flags(loans.cluster) == [True, True]
        with step("the chart is rolled back, and every pod replaced"):
            loans.rollback()
            replaced(loans.cluster)
        assert flags(loans.cluster) == [False, False]
        traffic.await_more(20)
    del loans.values["guard"]["settings"]["max_in_flight"]
    assert_all_well(traffic)
    print(f"          {len(traffic.answers)} calls answered, {len(traffic.lost)} lost, 0 past the sidecar")


def test_the_policy_is_changed_and_changed_back(loans: Release) -> None:
    rule = loans.policy / "guards" / "provenance" / "request" / "provenance.rego"
    before = rule.read_text()
    traffic = Traffic(loans.cluster, TORCHSERVE, loans.issuer)
    with traffic.flowing():
        traffic.await_more(20)
        rule.write_text(before + "\n# read again\n")
        with step("another policy is published, and decides in every pod"):
            second = loans.publish()
            wait_until(lambda: all(second in revision for revision in _last(traffic)))
        rule.write_text(before)
        with step("the former one is published again"):
            third = loans.publish()
            wait_until(lambda: all(third in revision for revision in _last(traffic)))
    assert_all_well(traffic)


def _last(traffic: Traffic) -> list[str]:
    return [
        {name.lower(): value for name, value in answer.headers.items()}["x-policy-revision"]
        for answer in traffic.answers[-20:]
    ]


def test_certificates_are_rotated(loans: Release) -> None:
    """The webhook's and the registry's: both are served anew, and pods are guarded as before."""
    before = {name: loans.secret(f"{NAME}-{name}-tls", "tls.crt") for name in ("injector", "registry")}
    with step("certificates are rotated, authority and all, and served"):
        rotate(loans)
        wait_until(
            lambda: all(
                served(loans.cluster, f"{NAME}-{name}", port) == {leaf(loans.secret(f"{NAME}-{name}-tls", "tls.crt"))}
                for name, port in (("injector", 9443), ("registry", 8095))
            ),
            timeout_s=90,
        )
    after = {name: loans.secret(f"{NAME}-{name}-tls", "tls.crt") for name in ("injector", "registry")}
    assert all(before[name] != after[name] for name in before)
    with step("every pod is replaced by one that the new certificate guards"):
        replaced(loans.cluster)
    assert loans.publish()


def rotate(release: Release) -> None:
    """`sidecar injector rotate --ca` in an injector's pod would do; here as a Job of its own, with the same rights."""
    found = release.cluster.get("deployment", f"{NAME}-injector", namespace=SYSTEM)["spec"]["template"]
    spec = found["spec"]
    [container] = spec["containers"]
    given = dict(flag.lstrip("-").split("=", 1) for flag in container["args"] if flag.startswith("--") and "=" in flag)
    container["args"] = ["injector", "rotate", "--ca", *(f"--{name}={given[name]}" for name in ("namespace", "name"))]
    for probe in ("livenessProbe", "readinessProbe", "startupProbe", "ports", "lifecycle"):
        container.pop(probe, None)
    for field in ("topologySpreadConstraints", "affinity"):
        spec.pop(field, None)
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "rotate"},
        "spec": {"backoffLimit": 0, "template": {"spec": {**spec, "restartPolicy": "Never"}}},
    }
    release.cluster.apply([job], SYSTEM)
    release.cluster.kubectl("wait", "--for=condition=Complete", "job/rotate", f"--namespace={SYSTEM}", "--timeout=60s")


def leaf(chain: bytes) -> str:
    """The first certificate of a file; what comes after it certifies who signed it."""
    end = b"-----END CERTIFICATE-----"
    return (chain[: chain.index(end)] + end).decode()


def served(cluster: Cluster, service: str, port: int) -> set[str]:
    """The certificates that its pods serve."""
    addresses = ready_addresses(cluster, service, SYSTEM)
    return {ssl.get_server_certificate((address, port)).strip() for address in addresses}


def test_without_an_injector_no_pod_that_must_be_guarded_is_made(loans: Release) -> None:
    cluster = loans.cluster
    scale = ["scale", f"deployment/{NAME}-injector", f"--namespace={SYSTEM}"]
    cluster.kubectl(*scale, "--replicas=0")
    wait_until(lambda: ready_addresses(cluster, f"{NAME}-injector", SYSTEM) == [])
    other = cluster.new_namespace("others")
    alone = {"containers": [{"name": "web", "image": "busybox", "command": ["sleep", "60"]}]}
    plain = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "plain"}, "spec": alone}
    marked = {**plain, "metadata": {"name": "marked", "labels": {"model-policy-sidecar.io/guard": "enabled"}}}
    cluster.apply([plain], other)
    cluster.apply([plain], MODELS)
    with pytest.raises(CommandFailed) as refused:
        cluster.apply([marked], MODELS)
    assert "failed calling webhook" in refused.value.stderr
    cluster.kubectl(*scale, "--replicas=2")
    cluster.kubectl("rollout", "status", f"deployment/{NAME}-injector", f"--namespace={SYSTEM}", "--timeout=60s")
