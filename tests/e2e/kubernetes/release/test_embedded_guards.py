"""Guards whose engine is in the sidecar's own process, with the registry's signed bundles."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import pytest

from tests.e2e.kubernetes.release.guarded import VERDICTS, Guarded
from tests.e2e.kubernetes.release.workloads import MLSERVER, TRITON, Workload
from tests.process import wait_until
from tests.steps import step

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.e2e.kubernetes.release.release import Release

pytestmark = pytest.mark.heavy

ALONE, CHECKED = (MLSERVER, 0.0), (TRITON, 1.0)
"""A model, and the share of decisions that OPA is asked, too."""


@pytest.fixture(scope="module", params=[ALONE, CHECKED], ids=["alone", "cross-checked"])
def embedded(request: pytest.FixtureRequest, release: Release) -> Generator[tuple[Guarded, float]]:
    workload: Workload
    workload, share = request.param
    before = deepcopy(release.values)
    release.values["guard"]["engine"] = "embedded"
    if share:
        release.values["guard"]["settings"]["cross_check_share"] = share
    with step(f"the chart is upgraded to the embedded engine, {share:.0%} of its decisions held against OPA's"):
        release.upgrade()
    guarded = Guarded(release, workload)
    yield guarded, share
    guarded.delete()
    release.values = before
    release.upgrade()


def test_decisions_are_those_of_opa(embedded: tuple[Guarded, float]) -> None:
    guarded, _ = embedded
    assert guarded.verdicts() == VERDICTS


def test_opa_is_in_the_pod_where_it_is_compared_with(embedded: tuple[Guarded, float]) -> None:
    guarded, share = embedded
    statuses = guarded.release.cluster.get("pod", guarded.pod["metadata"]["name"], namespace="models")["status"]
    assert {status["name"]: status["restartCount"] for status in statuses["initContainerStatuses"]} == dict.fromkeys(
        [*(["policy-opa"] if share else []), "policy-sidecar"], 0
    )


def test_another_policy_decides_as_soon_as_it_is_published(embedded: tuple[Guarded, float]) -> None:
    guarded, _ = embedded
    rule = guarded.release.policy / "guards" / "provenance" / "request" / "provenance.rego"
    before = rule.read_text()
    for text in (before + "\n# read again\n", before):
        rule.write_text(text)
        revision = guarded.release.publish()
        wait_until(lambda revision=revision: revision in guarded.call().headers["x-policy-revision"])
    assert guarded.verdicts() == VERDICTS


def test_what_opa_was_asked_too_it_answered_alike(embedded: tuple[Guarded, float]) -> None:
    guarded, share = embedded
    compared = guarded.metric("sidecar_cross_check_total")
    if share:
        wait_until(lambda: guarded.metric("sidecar_cross_check_total").get('result="same"', 0) >= 5)
        compared = guarded.metric("sidecar_cross_check_total")
    assert compared.get('result="different"', 0) == 0
    assert (sum(compared.values()) > 0) is (share > 0)
