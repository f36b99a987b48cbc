"""What was admitted stays as it is, and who may look into it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.kubernetes.admission.pods import DOMAIN, EXEMPT, bare, triton
from tests.e2e.kubernetes.admission.policies_alone import create, refused

if TYPE_CHECKING:
    from tests.e2e.kubernetes.admission.policies_alone import Policed
    from tests.unit.helm.charts import Json

pytestmark = pytest.mark.heavy


def test_what_a_running_pod_is_stays(here: Policed) -> None:
    create(here.developer, here.guarded(triton("running", labels={f"{DOMAIN}/guard": "enabled"})), "some")
    ns = "--namespace=some"

    def patched(patch: Json | list[Json], *words: str) -> str:
        kind = "json" if isinstance(patch, list) else "merge"
        return refused(here.developer, "patch", "pod/running", ns, f"--type={kind}", f"-p={json.dumps(patch)}", *words)

    stay = "of model-policy-sidecar.io stay as they were"
    for label in ("guard", "guarded"):
        taken = {"metadata": {"labels": {f"{DOMAIN}/{label}": None}}}
        assert stay in patched(taken)
        assert stay in patched(taken, "--subresource=status")
    exempted = json.dumps({"metadata": {"annotations": EXEMPT}})
    assert stay in refused(here.cluster, "patch", "pod/running", ns, "--type=merge", f"-p={exempted}")
    assert stay in patched({"metadata": {"annotations": {f"{DOMAIN}/opa-config": "services: {}"}}})
    for index in (0, 1):
        image = [{"op": "replace", "path": f"/spec/initContainers/{index}/image", "value": "mine:1"}]
        assert "the guard's images stay" in patched(image)
    told = refused(here.developer, "debug", "running", ns, "--image=busybox", "--target=triton", "--profile=general")
    assert "takes the right to use debugging.model-policy-sidecar.io" in told

    here.developer.kubectl("label", "pod/running", ns, "team=a")
    here.developer.kubectl("set", "image", "pod/running", ns, "triton=tritonserver:24.09")


def test_a_pod_from_before_its_namespace_was_guarded_can_still_be_changed_and_deleted(here: Policed) -> None:
    here.cluster.new_namespace("late")
    create(here.cluster, bare("before", finalizers=["example.com/keep"]), "late")
    here.cluster.kubectl("label", "namespace/late", f"{DOMAIN}/guard=all")
    assert "stay as they were" in refused(
        here.cluster, "label", "pod/before", "--namespace=late", f"{DOMAIN}/guarded=true"
    )
    here.cluster.kubectl("delete", "pod/before", "--namespace=late", "--wait=false")
    release = json.dumps({"metadata": {"finalizers": None}})
    here.cluster.kubectl("patch", "pod/before", "--namespace=late", "--type=merge", f"-p={release}")
    here.cluster.kubectl("wait", "--for=delete", "pod/before", "--namespace=late", "--timeout=30s")


def test_who_binds_a_pod_to_a_node_changes_nothing_else_of_it(here: Policed) -> None:
    """The API server copies a Binding's labels and annotations to the pod."""
    create(here.developer, here.guarded(triton("unbound", labels={f"{DOMAIN}/guard": "enabled"})), "some")
    target = {"apiVersion": "v1", "kind": "Node", "name": "any"}

    def binding(**metadata: Any) -> Json:
        return {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": "unbound", "namespace": "some", **metadata},
            "target": target,
        }

    path = "/api/v1/namespaces/some/pods/unbound/binding"
    for kind, key in (("annotations", "opa-config"), ("labels", "guarded")):
        smuggled = json.dumps(binding(**{kind: {f"{DOMAIN}/{key}": "mine"}}))
        told = refused(here.developer, "create", "--raw", path, "-f-", input=smuggled)
        assert "stay as they were when the pod was made" in told
    here.developer.kubectl("create", "--raw", path, "-f-", input=json.dumps(binding(labels={"team": "a"})))


CONNECTIONS = {"exec": ["--", "true"], "attach": [], "port-forward": [":8000"]}


@pytest.mark.parametrize("verb", CONNECTIONS)
def test_connections_into_pods_take_the_right_to_debug(here: Policed, verb: str) -> None:
    create(here.developer, bare(verb), "some")
    running = ["--subresource=status", "--type=merge", '-p={"status": {"phase": "Running"}}']  # kubectl asks for it
    here.cluster.kubectl("patch", f"pod/{verb}", "--namespace=some", *running)
    words = [verb, "--namespace=some", verb, *CONNECTIONS[verb]]
    assert "that takes the right to use debugging.model-policy-sidecar.io" in refused(here.developer, *words)
    here.bind("debug", f"{verb}-debugger", "some")
    told = refused(here.cluster.as_(f"{verb}-debugger"), *words)  # there is no node to connect to
    assert "does not have a host assigned" in told


def test_who_may_debug_one_pod_may_not_debug_another(here: Policed) -> None:
    for name in ("first", "second"):
        create(here.cluster, bare(name), "some")
    ns = "--namespace=some"
    _role_for_one_pod(here)
    here.cluster.kubectl("create", "rolebinding", "rita", ns, "--role=debug-first", "--user=rita")
    here.cluster.kubectl("create", "rolebinding", "rita-develops", ns, "--clusterrole=developer", "--user=rita")
    here.cluster.as_("rita").kubectl("debug", "first", ns, "--image=busybox")
    assert "debugging.model-policy-sidecar.io" in refused(
        here.cluster.as_("rita"), "debug", "second", ns, "--image=busybox"
    )


def _role_for_one_pod(here: Policed) -> None:
    rule = {"apiGroups": [DOMAIN], "resources": ["debugging"], "resourceNames": ["first"], "verbs": ["use"]}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "debug-first"}}
    here.cluster.apply([{**role, "rules": [rule]}], "some")
