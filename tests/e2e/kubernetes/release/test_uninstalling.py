"""The end of a release: the last test of its module's fixture, in a file that sorts last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.release import MODELS, NAME
from tests.e2e.kubernetes.release.workloads import TORCHSERVE, pods_of
from tests.steps import step

if TYPE_CHECKING:
    from tests.e2e.kubernetes.release.release import Release

pytestmark = pytest.mark.heavy


def test_what_is_left_when_the_chart_is_gone(release: Release) -> None:
    """Guarded pods go on, new ones are no longer guarded, and the registry's records stay."""
    TORCHSERVE.roll_out(release.cluster)
    [guarded] = pods_of(release.cluster, TORCHSERVE)
    with step("the chart is uninstalled; the guarded pod goes on"):
        release.uninstall()
    assert TORCHSERVE.call(release.cluster, release.issuer.token()).status == 200
    [still] = pods_of(release.cluster, TORCHSERVE)
    assert still["metadata"]["uid"] == guarded["metadata"]["uid"]
    release.cluster.kubectl("delete", "pod", guarded["metadata"]["name"], f"--namespace={MODELS}", "--wait=false")
    release.cluster.kubectl("rollout", "status", f"deployment/{TORCHSERVE.name}", f"--namespace={MODELS}")
    assert "initContainers" not in pods_of(release.cluster, TORCHSERVE)[0]["spec"]
    kinds = "mutatingwebhookconfigurations,validatingwebhookconfigurations,validatingadmissionpolicies,clusterroles"
    left = release.cluster.get(kinds, f"--selector=app.kubernetes.io/instance={NAME}")
    assert left == []
    claims = release.cluster.get("persistentvolumeclaims", namespace="policy-system")
    assert [claim["metadata"]["name"] for claim in claims] == [f"data-{NAME}-registry-0"]
