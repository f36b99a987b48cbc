from __future__ import annotations

import copy
from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.guard import guard
from sidecar.injector.values import PodRefused
from sidecar.injector.workloads import guard_workload, has_pods
from tests.unit.injector.pods import CONFIG, pod, triton

TEMPLATE = {"metadata": {"labels": {"app": "credit"}}, "spec": {"containers": [triton()]}}


def guarded(manifest: dict[str, Any]) -> dict[str, Any]:
    return guard_workload(manifest, CONFIG, registry_ca=None, namespace="models").pod


@pytest.mark.parametrize(
    ("api", "kind"),
    [
        ("apps/v1", "Deployment"),
        ("apps/v1", "StatefulSet"),
        ("apps/v1", "DaemonSet"),
        ("apps/v1", "ReplicaSet"),
        ("v1", "ReplicationController"),
        ("batch/v1", "Job"),
    ],
)
def test_a_template_is_guarded_as_a_pod_and_the_rest_stays(api: str, kind: str) -> None:
    manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "credit"}, "spec": {"x": 1, "template": TEMPLATE}}
    before = copy.deepcopy(manifest)
    template = guard(TEMPLATE, CONFIG, namespace="models", registry_ca=None).pod
    assert guarded(manifest) == {**manifest, "spec": {"x": 1, "template": template}}
    assert manifest == before


def test_a_cron_jobs_template_lies_deeper() -> None:
    job = {"spec": {"template": TEMPLATE, "backoffLimit": 1}}
    made: Any = guarded({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"schedule": "x", "jobTemplate": job}})
    inner = made["spec"]["jobTemplate"]["spec"]
    assert (made["spec"]["schedule"], inner["backoffLimit"]) == ("x", 1)
    assert inner["template"]["metadata"]["labels"] == {"app": "credit", names.LABEL_GUARDED: "true"}


def test_a_pod_is_its_own_template() -> None:
    given = pod(triton())
    assert guarded(given) == guard(given, CONFIG, namespace="models", registry_ca=None).pod


def test_a_manifests_namespace_counts() -> None:
    given = pod(triton())
    given["metadata"]["namespace"] = "loans"
    assert guarded(given) == guard(given, CONFIG, namespace="loans", registry_ca=None).pod


@pytest.mark.parametrize(
    ("manifest", "problem"),
    [
        ({}, "None of None has no pod template; give Pod, Deployment, "),
        (
            {"apiVersion": "serving.knative.dev/v1", "kind": "Deployment"},
            "'Deployment' of 'serving.knative.dev/v1' has no",
        ),
        (
            {"apiVersion": "apps/v1", "kind": "Deployment", "spec": []},
            "spec.template is missing; `kubectl explain Deployment` shows what belongs there",
        ),
    ],
)
def test_a_manifest_without_pods(manifest: dict[str, Any], problem: str) -> None:
    with pytest.raises(PodRefused) as refused:
        guarded(manifest)
    assert refused.value.problems[0].startswith(problem)


def test_which_manifests_have_pods() -> None:
    assert has_pods({"apiVersion": "apps/v1", "kind": "Deployment"})
    assert not has_pods({"apiVersion": "v1", "kind": "Service"})
    assert not has_pods({"apiVersion": [], "kind": {}})
