"""The chart's objects on a real API server: known to the last field, hardened, apart from what others write."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.e2e.kubernetes.admission.pods import triton
from tests.e2e.kubernetes.admission.policies_alone import until_admitted
from tests.kubernetes.programs import run, tool
from tests.kubernetes_schemas import write_schemas
from tests.unit.helm.charts import CHART, NAME, NAMESPACE, VALUES, Json, merged, render
from tests.unit.helm.test_objects import VARIANTS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.kubernetes.admission.policies_alone import Policed
    from tests.kubernetes.cluster import Cluster

pytestmark = pytest.mark.heavy

OF_OTHERS = ("monitoring.coreos.com/", "cert-manager.io/")


@pytest.fixture(scope="module")
def schemas(here: Policed, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_schemas(lambda path: here.cluster.kubectl("get", "--raw", path), tmp_path_factory.mktemp("schemas"))


def conforms(objects: list[Json], schemas: str) -> Json:
    text = yaml.safe_dump_all(objects)
    told = run(tool("kubeconform"), "-strict", "-summary", "-output=json", f"-schema-location={schemas}", stdin=text)
    return json.loads(told)["summary"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_field_is_known_to_the_api_server(schemas: str, variant: str) -> None:
    objects = [each for each in render(VARIANTS[variant]) if not each["apiVersion"].startswith(OF_OTHERS)]
    assert conforms(objects, schemas) == {"valid": len(objects), "invalid": 0, "errors": 0, "skipped": 0}


def test_a_field_that_the_api_server_does_not_know_is_found(schemas: str) -> None:
    (service, *_) = (each for each in render() if each["kind"] == "Service")
    with pytest.raises(RuntimeError, match="additional propert"):
        conforms([{**service, "spec": {**service["spec"], "portz": []}}], schemas)


def test_pods_are_made_where_pod_security_is_restricted(here: Policed) -> None:
    for owner, count in (("deployment", 2), ("statefulset", 1)):
        name = f"{owner}/{NAME}-{'injector' if owner == 'deployment' else 'registry'}"
        wait = [f"--for=jsonpath={{.status.replicas}}={count}", name, f"--namespace={NAMESPACE}", "--timeout=30s"]
        here.cluster.kubectl("wait", *wait)


def test_an_upgrade_and_a_rollback_leave_alone_what_the_injector_writes(here: Policed, tmp_path: Path) -> None:
    """Secrets' data and caBundle, for whose sake the chart names neither: Helm applies server-side."""
    cluster, authority = here.cluster, base64.b64encode(b"an authority").decode()
    release = _release(cluster, tmp_path, {})
    cluster.helm("install", *release)
    _write(cluster, f"secret/{OTHER}-ca", {"data": {"ca.crt": authority}})
    for kind in ("mutatingwebhookconfiguration", "validatingwebhookconfiguration"):
        hooks = [
            {"name": f"{label}.model-policy-sidecar.io", "clientConfig": {"caBundle": authority}} for label in LABELS
        ]
        _write(cluster, f"{kind}/{OTHER}", {"webhooks": hooks})

    cluster.helm("upgrade", *_release(cluster, tmp_path, {"injector": {"timeoutSeconds": 7, "replicas": 3}}))
    assert _written(cluster) == ({"ca.crt": authority}, [authority] * 4, {7})
    cluster.helm("rollback", "other", "1", f"--namespace={NAMESPACE}")
    assert _written(cluster) == ({"ca.crt": authority}, [authority] * 4, {10})

    cluster.helm("uninstall", "other", f"--namespace={NAMESPACE}", "--wait")
    kinds = (
        "clusterroles,clusterrolebindings,mutatingwebhookconfigurations,validatingwebhookconfigurations,"
        "validatingadmissionpolicies,validatingadmissionpolicybindings"
    )
    assert cluster.get(kinds, "--selector=app.kubernetes.io/instance=other") == []
    until_admitted(cluster, here.guarded(triton()), "every")  # its webhooks are known no longer


LABELS = ("all", "labelled")
OTHER = "other-model-policy-sidecar"


def _release(cluster: Cluster, folder: Path, changes: Json) -> list[str]:
    """Beside the first one; its injector guards nothing that ours does not."""
    file = folder / "values.yaml"
    file.write_text(yaml.safe_dump(merged(VALUES, merged({"networkPolicies": {"guardedPods": False}}, changes))))
    return ["other", str(CHART), f"--namespace={NAMESPACE}", f"--values={file}"]


def _write(cluster: Cluster, thing: str, patch: Json) -> None:
    """As the injector does: a strategic merge patch under a name of its own."""
    words = [f"--namespace={NAMESPACE}", "--field-manager=injector", "--type=strategic", f"-p={json.dumps(patch)}"]
    cluster.kubectl("patch", thing, *words)


def _written(cluster: Cluster) -> tuple[Json, list[str], set[int]]:
    kinds = "mutatingwebhookconfiguration", "validatingwebhookconfiguration"
    hooks = [hook for kind in kinds for hook in cluster.get(kind, OTHER)["webhooks"]]
    data = cluster.get("secret", f"{OTHER}-ca", namespace=NAMESPACE)["data"]
    return data, [hook["clientConfig"]["caBundle"] for hook in hooks], {hook["timeoutSeconds"] for hook in hooks}
