from __future__ import annotations

import pytest

from tests.unit.helm.charts import (
    BUNDLED,
    CROSS_CHECKED,
    EMBEDDED,
    NAME,
    NAMESPACE,
    Json,
    merged,
    of_kind,
    pod_templates,
    render,
    the,
)

POSTGRESQL: Json = {"registry": {"replicas": 2, "database": {"secret": "db", "ownerSecret": "owner"}}}
SUPPLIED: Json = {
    "certificates": {
        "mode": "supplied",
        "supplied": {
            "injectorSecret": "hook",
            "registrySecret": "reg",
            "caBundle": "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n",
        },
    }
}
CERT_MANAGER: Json = {"certificates": {"mode": "cert-manager"}}
NIGHTLY: Json = {"audit": {"nightly": {"enabled": True, "args": ["audit", "verify", "/archive"], "existingClaim": "a"}}}
MONITORED: Json = {"monitoring": {"monitors": True, "rules": True, "dashboard": True}}
EVERYTHING = merged(merged(NIGHTLY, MONITORED), CERT_MANAGER)
VARIANTS = {
    "least": {},
    "embedded": EMBEDDED,
    "bundled": BUNDLED,
    "cross-checked": CROSS_CHECKED,
    "postgresql": POSTGRESQL,
    "supplied": SUPPLIED,
    "everything": EVERYTHING,
}
CLUSTER_WIDE = {
    "ClusterRole",
    "ClusterRoleBinding",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
}


@pytest.fixture(params=VARIANTS.values(), ids=VARIANTS)
def objects(request: pytest.FixtureRequest) -> list[Json]:
    return render(request.param)


def test_every_object_has_a_name_of_its_own_a_namespace_and_labels(objects: list[Json]) -> None:
    places = [(o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects]
    assert len(set(places)) == len(places)
    assert {kind for kind, namespace, _ in places if namespace is None} == CLUSTER_WIDE - (
        set() if "ClusterRoleBinding" in {kind for kind, _, _ in places} else {"ClusterRoleBinding"}
    )
    assert {namespace for _, namespace, _ in places} == {None, NAMESPACE, "models"}
    assert all(o["metadata"]["labels"]["app.kubernetes.io/instance"] == "policy" for o in objects)


def test_every_pod_is_hardened(objects: list[Json]) -> None:
    for owner, template in pod_templates(objects).items():
        pod = template["spec"]
        assert pod["securityContext"] == {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        }, owner
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, owner
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), owner
            assert "memory" in container["resources"]["limits"], owner


def test_only_an_injector_that_manages_certificates_has_a_token(objects: list[Json]) -> None:
    with_token = {
        owner for owner, pod in pod_templates(objects).items() if pod["spec"]["automountServiceAccountToken"] is True
    }
    roles = of_kind(objects, "Role") | of_kind(objects, "ClusterRoleBinding")
    assert with_token == ({f"Deployment/{NAME}-injector"} if roles else set())


def test_the_rights_of_a_self_managing_injector_are_those_to_its_own_objects() -> None:
    objects = render()
    assert the(objects, "Role", "injector")["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["secrets"],
            "resourceNames": [f"{NAME}-ca", f"{NAME}-injector-tls", f"{NAME}-registry-tls"],
            "verbs": ["get", "update"],
        }
    ]
    assert the(objects, "ClusterRole", "injector")["rules"] == [
        {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": ["mutatingwebhookconfigurations", "validatingwebhookconfigurations"],
            "resourceNames": [NAME],
            "verbs": ["get", "patch"],
        }
    ]
    assert {n for n, o in of_kind(objects, "Secret").items() if "data" not in o and "stringData" not in o} == {
        f"{NAME}-ca",
        f"{NAME}-injector-tls",
        f"{NAME}-registry-tls",
    }


def test_nobody_has_the_right_to_exempt_or_to_debug() -> None:
    objects = render()
    assert the(objects, "ClusterRole", "exempt")["rules"] == [
        {"apiGroups": ["model-policy-sidecar.io"], "resources": ["exemptions"], "verbs": ["use"]}
    ]
    assert the(objects, "ClusterRole", "debug")["rules"] == [
        {"apiGroups": ["model-policy-sidecar.io"], "resources": ["debugging"], "verbs": ["use"]}
    ]
    assert {o["roleRef"]["name"] for o in objects if "roleRef" in o} == {f"{NAME}-injector"}


def test_an_injector_that_is_alone_may_be_evicted() -> None:
    assert the(render(), "PodDisruptionBudget", "injector")["spec"]["maxUnavailable"] == 1
    assert of_kind(render({"injector": {"replicas": 1}}), "PodDisruptionBudget") == {}


def test_a_new_configuration_makes_new_injectors() -> None:
    def annotations(changes: Json) -> Json:
        return the(render(changes), "Deployment", "injector")["spec"]["template"]["metadata"]["annotations"]

    assert annotations({}) == annotations({"injector": {"timeoutSeconds": 5}})
    assert annotations({}) != annotations({"guard": {"drainSeconds": 11}})


def test_cert_manager_makes_an_authority_of_its_own_unless_an_issuer_is_given() -> None:
    own = render(CERT_MANAGER)
    assert set(of_kind(own, "Issuer")) == {f"{NAME}-root", f"{NAME}-ca"}
    assert set(of_kind(own, "Certificate")) == {f"{NAME}-ca", f"{NAME}-injector", f"{NAME}-registry"}
    assert the(own, "Certificate", "injector")["spec"]["issuerRef"]["name"] == f"{NAME}-ca"

    given = render(merged(CERT_MANAGER, {"certificates": {"certManager": {"issuerRef": {"name": "corporate"}}}}))
    assert of_kind(given, "Issuer") == {}
    assert the(given, "Certificate", "registry")["spec"] == {
        "secretName": f"{NAME}-registry-tls",
        "issuerRef": {"name": "corporate", "kind": "Issuer", "group": "cert-manager.io"},
        "dnsNames": [f"{NAME}-registry.{NAMESPACE}.svc", f"{NAME}-registry.{NAMESPACE}.svc.cluster.local", "localhost"],
        "duration": "2160h",
        "renewBefore": "720h",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always"},
        "usages": ["digital signature", "server auth"],
    }


def test_a_digest_goes_over_a_tag() -> None:
    digest = "sha256:" + "0" * 64
    objects = render({"image": {"repository": "registry.example/sidecar", "tag": "1.2", "digest": digest}})
    images = {c["image"] for pod in pod_templates(objects).values() for c in pod["spec"]["containers"]}
    assert images == {f"registry.example/sidecar@{digest}"}


def test_guarded_pods_can_be_reached_on_the_ports_listed_and_the_guards_own() -> None:
    metrics_from = [{"namespaceSelector": {"matchLabels": {"team": "monitoring"}}}]
    objects = render(
        {
            "namespaces": [{"name": "models", "ports": [8080], "from": [{"podSelector": {}}]}],
            "networkPolicies": {"metricsFrom": metrics_from},
        }
    )
    (policy,) = (o for o in objects if o["metadata"].get("namespace") == "models")
    assert policy["spec"] == {
        "podSelector": {"matchLabels": {"model-policy-sidecar.io/guarded": "true"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"ports": [{"port": 8080}], "from": [{"podSelector": {}}]},
            {"ports": [{"port": 8091}, {"port": 8282}], "from": metrics_from},
        ],
    }


def test_the_nightly_audit_reads_the_archive_and_cannot_write_it() -> None:
    (job,) = of_kind(render(NIGHTLY), "CronJob").values()
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["args"] == ["audit", "verify", "/archive"]
    assert pod["volumes"][1] == {
        "name": "archive",
        "persistentVolumeClaim": {"claimName": "a", "readOnly": True},
    }
