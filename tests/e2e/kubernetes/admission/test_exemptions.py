"""Who may do without the guard: pods, templates of pods, namespaces."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kubernetes.admission.pods import DOMAIN, EXEMPT, bare, deployment
from tests.e2e.kubernetes.admission.policies_alone import create, creation_refused, refused

if TYPE_CHECKING:
    from tests.e2e.kubernetes.admission.policies_alone import Policed
    from tests.unit.helm.charts import Json

pytestmark = pytest.mark.heavy


def test_a_pod_is_exempted_by_who_may_exempt(here: Policed) -> None:
    told = creation_refused(here.developer, bare("exempted", annotations=EXEMPT), "every")
    assert "takes the right to use exemptions.model-policy-sidecar.io" in told
    here.bind("exempt", "eve", "every")
    create(here.cluster.as_("eve"), bare("exempted", annotations=EXEMPT), "every")
    unreasoned = bare("unreasoned", annotations={f"{DOMAIN}/exempt": " "})
    assert "give it a reason" in creation_refused(here.cluster.as_("eve"), unreasoned, "every")


def test_a_template_is_exempted_by_who_may_exempt_and_its_pods_are_made_by_kubernetes(here: Policed) -> None:
    exempted = deployment("exempted", annotations=EXEMPT)
    assert "exemptions.model-policy-sidecar.io" in creation_refused(here.developer, exempted, "every")
    job = {"spec": {"template": {**exempted["spec"]["template"], "spec": {**bare()["spec"], "restartPolicy": "Never"}}}}
    cron = {"metadata": {"name": "nightly"}, "spec": {"schedule": "0 0 * * *", "jobTemplate": job}}
    for thing in (
        {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"}, **job},
        {"apiVersion": "batch/v1", "kind": "CronJob", **cron},
    ):
        assert "exemptions.model-policy-sidecar.io" in creation_refused(here.developer, thing, "every")

    create(here.cluster, exempted, "every")
    wait = ["--for=jsonpath={.status.replicas}=1", "deployment/exempted", "--namespace=every", "--timeout=30s"]
    here.cluster.kubectl("wait", *wait)

    here.developer.kubectl("scale", "deployment/exempted", "--replicas=2", "--namespace=every")
    here.developer.kubectl("annotate", "deployment/exempted", "team=a", "--namespace=every")
    told = refused(here.developer, "set", "image", "deployment/exempted", "a=a-model", "--namespace=every")
    assert "or to change what is exempted" in told


def test_a_revision_of_a_stateful_set_is_exempted_by_who_may_exempt(here: Policed) -> None:
    """Its controller makes pods out of revisions, and a developer may write those."""

    def revision(name: str, **metadata: Any) -> Json:
        template = {"metadata": metadata, "spec": bare()["spec"]}
        data = {"spec": {"template": {**template, "$patch": "replace"}}}
        head = {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": {"name": name}}
        return {**head, "revision": 1, "data": data}

    told = creation_refused(here.developer, revision("exempted", annotations=EXEMPT), "every")
    assert "takes the right to use exemptions.model-policy-sidecar.io" in told
    create(here.developer, revision("guarded"), "every")


def test_a_namespace_stays_guarded(here: Policed) -> None:
    here.namespace("kept", "all")

    def relabelled(*words: str) -> str:
        return refused(here.developer, "label", "namespace/kept", "--overwrite", *words)

    told = "use exemptions.model-policy-sidecar.io in it"
    assert told in relabelled(f"{DOMAIN}/guard-")
    assert told in relabelled(f"{DOMAIN}/guard=labelled")
    removal = json.dumps({"metadata": {"labels": {f"{DOMAIN}/guard": None}}})
    by_status = ["patch", "namespace/kept", "--type=merge", f"-p={removal}", "--subresource=status"]
    assert told in refused(here.developer, *by_status)
    assert "is `all` or `labelled`" in refused(
        here.cluster, "label", "namespace/kept", "--overwrite", f"{DOMAIN}/guard=on"
    )
    here.developer.kubectl("label", "namespace/kept", "team=a")
    here.namespace("strengthened", "labelled")
    here.developer.kubectl("label", "namespace/strengthened", "--overwrite", f"{DOMAIN}/guard=all")
    here.cluster.kubectl("label", "namespace/kept", f"{DOMAIN}/guard-")
    here.cluster.kubectl("delete", "namespace/strengthened", "--timeout=60s")


def test_the_guards_secret_is_written_by_who_may_exempt(here: Policed) -> None:
    ours = ["create", "secret", "generic", "model-policy-sidecar", "--namespace=every", "--from-literal=jwks.json={}"]
    assert "takes the right to use exemptions.model-policy-sidecar.io" in refused(here.developer, *ours)
    here.bind("exempt", "sam", "every")
    here.cluster.as_("sam").kubectl(*ours)
    here.developer.kubectl("create", "secret", "generic", "other", "--namespace=every")
    patch = ["patch", "secret/model-policy-sidecar", "--namespace=every", '-p={"data": {"jwks.json": ""}}']
    assert "takes the right to use exemptions.model-policy-sidecar.io" in refused(here.developer, *patch)
    here.developer.kubectl("delete", "secret/model-policy-sidecar", "--namespace=every")
