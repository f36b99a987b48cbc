from __future__ import annotations

import base64

import pytest

from tests.unit.helm.charts import NAME, NAMESPACE, Json, merged, render, the
from tests.unit.helm.test_objects import CERT_MANAGER, SUPPLIED

KINDS = {"MutatingWebhookConfiguration": "/mutate", "ValidatingWebhookConfiguration": "/verify"}


@pytest.mark.parametrize(("kind", "path"), KINDS.items())
def test_pods_are_reviewed_in_namespaces_of_both_labels(kind: str, path: str) -> None:
    every, labelled = the(render(), kind)["webhooks"]
    reinvocation = {"reinvocationPolicy": "IfNeeded"} if path == "/mutate" else {}
    common: Json = {
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"service": {"name": f"{NAME}-injector", "namespace": NAMESPACE, "path": path, "port": 443}},
        "rules": [
            {
                "apiGroups": [""],
                "apiVersions": ["v1"],
                "operations": ["CREATE"],
                "resources": ["pods"],
                "scope": "Namespaced",
            }
        ],
        "matchConditions": [
            {
                "name": "not-exempt",
                "expression": "!has(object.metadata.annotations) "
                "|| !('model-policy-sidecar.io/exempt' in object.metadata.annotations)",
            }
        ],
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "sideEffects": "None",
        "timeoutSeconds": 10,
        **reinvocation,
    }
    assert every == {"name": "all.model-policy-sidecar.io", "namespaceSelector": _selected("all"), **common}
    assert labelled == {
        "name": "labelled.model-policy-sidecar.io",
        "namespaceSelector": _selected("labelled"),
        "objectSelector": {"matchLabels": {"model-policy-sidecar.io/guard": "enabled"}},
        **common,
    }


@pytest.mark.parametrize("kind", KINDS)
def test_whom_the_api_server_trusts(kind: str) -> None:
    supplied = the(render(SUPPLIED), kind)["webhooks"]
    text = SUPPLIED["certificates"]["supplied"]["caBundle"]
    assert [base64.b64decode(hook["clientConfig"]["caBundle"]).decode() for hook in supplied] == [text, text]

    managed = the(render(CERT_MANAGER), kind)
    assert managed["metadata"]["annotations"] == {"cert-manager.io/inject-ca-from": f"{NAMESPACE}/{NAME}-injector"}
    assert all("caBundle" not in hook["clientConfig"] for hook in managed["webhooks"])


def test_more_namespaces_may_be_left_out() -> None:
    objects = render(merged({}, {"injector": {"excludedNamespaces": ["kube-system", "istio-system"]}}))
    selectors = [
        hook["namespaceSelector"]["matchExpressions"][1] for kind in KINDS for hook in the(objects, kind)["webhooks"]
    ]
    expected = _selected("all", "istio-system")["matchExpressions"][1]
    assert selectors == [expected] * 4


def _selected(label: str, *more: str) -> Json:
    return {
        "matchExpressions": [
            {"key": "model-policy-sidecar.io/guard", "operator": "In", "values": [label]},
            {
                "key": "kubernetes.io/metadata.name",
                "operator": "NotIn",
                "values": ["kube-system", *more, NAMESPACE],
            },
        ]
    }
