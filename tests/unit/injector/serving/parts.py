"""What a webhook is asked, a configuration to answer by, and certificates to answer with."""

from __future__ import annotations

import copy
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sidecar.injector.certificates import pem
from sidecar.injector.certificates.authority import founded, leaf

if TYPE_CHECKING:
    from pathlib import Path

HOST = "injector.system.svc"

CONFIG = """\
sidecar_image: registry.example/model-policy-sidecar:1.0
opa_config: "services: {}"
settings: {consent: "off"}
"""

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"generateName": "credit-7d-", "labels": {"app": "credit"}},
    "spec": {
        "containers": [
            {
                "name": "triton",
                "image": "nvcr.io/nvidia/tritonserver:24.10-py3",
                "args": ["tritonserver", "--model-repository=/models"],
                "ports": [{"name": "http", "containerPort": 8000}],
                "readinessProbe": {"httpGet": {"path": "/v2/health/ready", "port": "http"}},
            }
        ]
    },
}
TWO_PROBLEMS: dict[str, Any] = {**POD, "spec": {**POD["spec"], "hostNetwork": True, "shareProcessNamespace": True}}


def review(pod: object = None, **changes: object) -> dict[str, Any]:
    """An AdmissionReview; `changes` go into its request."""
    request = {
        "uid": "705ab4f5",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "namespace": "models",
        "operation": "CREATE",
        "object": POD if pod is None else pod,
        "dryRun": False,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {**request, **changes}}


def encoded(content: object) -> bytes:
    return json.dumps(content).encode()


def patched(target: Any, patch: list[dict[str, Any]]) -> Any:
    """RFC 6902 for members of objects."""
    target = copy.deepcopy(target)
    for operation in patch:
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in operation["path"].split("/")[1:]]
        place = target
        for name in parents:
            place = place[name]
        if operation["op"] == "remove":
            del place[last]
        else:
            assert operation["op"] == "add"
            place[last] = operation["value"]
    return target


def write_pair(folder: Path) -> bytes:
    """A leaf and its authority, as cert-manager writes them; the authority."""
    authority = founded("test", datetime.now(UTC))
    issued = leaf(authority, [HOST], datetime.now(UTC))
    bundle = pem.of_certificates([authority.issued.certificate])
    for name, content in {
        "tls.crt": pem.of_certificates([issued.certificate]),
        "tls.key": pem.of_key(issued.key),
    }.items():
        (folder / name).write_bytes(content)
    (folder / "ca.crt").write_bytes(bundle)
    return bundle
