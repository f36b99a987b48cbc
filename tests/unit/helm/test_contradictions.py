from __future__ import annotations

import pytest

from tests.unit.helm.charts import CHART, CROSS_CHECKED, EMBEDDED, Json, helm, merged, refusal, render
from tests.unit.helm.test_objects import SUPPLIED

NIGHTLY: Json = {"audit": {"nightly": {"enabled": True}}}
CASES: list[tuple[Json, str]] = [
    (
        {"registry": {"enabled": False}},
        "guard.engine is opa, and nothing tells OPA where its bundles are: "
        "set registry.enabled=true, or guard.opaConfig",
    ),
    (
        {"guard": {"opaConfig": "services: {}"}},
        "guard.opaConfig goes past the registry that registry.enabled asks for: leave one of them out",
    ),
    (
        merged(CROSS_CHECKED, {"guard": {"engine": "opa"}}),
        "guard.settings.cross_check_share holds the embedded engine against OPA: "
        "set guard.engine=embedded, or leave it out",
    ),
    (
        merged(CROSS_CHECKED, EMBEDDED),
        "guard.settings.cross_check_share needs bundles, for both engines the same: "
        "set registry.enabled=true, or guard.opaConfig",
    ),
    (
        {"guard": {"settings": {"consent_issuer": None}}},
        "guard.settings.consent_issuer is missing, without which no consent token can be verified: set it, "
        "or guard.settings.consent=off (quoted) if no model's rules need consent",
    ),
    (
        {"guard": {"audit": {"archive": ""}}},
        "without an archive the audit log ends with its pod: set guard.audit.archive=URL, "
        "or, for a trial, guard.audit.acceptLoss=true",
    ),
    (
        {"guard": {"audit": {"acceptLoss": True}}},
        "guard.audit.acceptLoss is for guards without guard.audit.archive: leave one of them out",
    ),
    (
        {"guard": {"upstreamTimeoutSeconds": 301}},
        "guard.upstreamTimeoutSeconds is more than guard.upstreamTimeoutLimitSeconds: raise the limit",
    ),
    (
        {"registry": {"policyKey": "-----BEGIN PRIVATE KEY-----"}},
        "registry.policyKey is no public key (PEM), so no engine could verify anything: "
        "`sidecar injector init` makes the keys and a values.yaml with it",
    ),
    (
        {"registry": {"replicas": 2}},
        "registry.replicas is 2, and SQLite serves one: "
        "set registry.replicas=1, or registry.database.secret for PostgreSQL",
    ),
    (
        {"registry": {"database": {"ownerSecret": "owner"}}},
        "registry.database.ownerSecret is for PostgreSQL: set registry.database.secret too",
    ),
    (
        merged(SUPPLIED, {"certificates": {"supplied": {"injectorSecret": ""}}}),
        "certificates.mode is supplied: set certificates.supplied.injectorSecret",
    ),
    (
        merged(SUPPLIED, {"certificates": {"supplied": {"registrySecret": ""}}}),
        "certificates.mode is supplied: set certificates.supplied.registrySecret",
    ),
    (
        merged(SUPPLIED, {"certificates": {"supplied": {"caBundle": "MIIB"}}}),
        "certificates.mode is supplied: set certificates.supplied.caBundle to the authority's certificate (PEM), "
        "else the API server trusts nobody",
    ),
    (
        {"certificates": {"supplied": {"caBundle": "-----BEGIN CERTIFICATE-----"}}},
        "certificates.supplied is given, and certificates.mode is self-managed: "
        "set certificates.mode=supplied, or leave it out",
    ),
    (
        {"certificates": {"certManager": {"issuerRef": {"name": "corporate"}}}},
        "certificates.certManager.issuerRef is given, and certificates.mode is self-managed: "
        "set certificates.mode=cert-manager, or leave it out",
    ),
    (
        {"namespaces": []},
        "networkPolicies.guardedPods protects the pods of no namespace: list the guarded ones with their ports in "
        "namespaces, or set networkPolicies.guardedPods=false",
    ),
    (
        {"namespaces": [{"name": "policy-system", "ports": [80]}]},
        "namespaces has policy-system, whose pods are never guarded: give models a namespace of their own",
    ),
    (
        NIGHTLY,
        "audit.nightly.enabled has nothing to do: set audit.nightly.args, such as [audit, verify, /archive]",
    ),
]


@pytest.mark.parametrize(("changes", "told"), CASES, ids=[told[:50] for _, told in CASES])
def test_a_contradiction_stops_the_release_and_names_the_remedy(changes: Json, told: str) -> None:
    lines = refusal(changes).splitlines()
    assert [line for line in lines if line.startswith("- ")] == [f"- {told}"]


def test_an_unset_chart_tells_all_that_is_missing_at_once() -> None:
    done = helm("template", "policy", str(CHART), values={})
    places = [line.removeprefix("- ").split()[0] for line in done.stderr.splitlines() if line.startswith("- ")]
    assert done.returncode == 1
    assert places == [
        "guard.settings.consent_keys",
        "guard.settings.consent_issuer",
        "guard.settings.consent_audience",
        "without",
        "registry.publicKey",
        "registry.policyKey",
        "networkPolicies.guardedPods",
    ]


def test_what_resolves_a_contradiction_renders() -> None:
    render({"guard": {"settings": {"consent": "off", "consent_issuer": None}}})
    render({"guard": {"audit": {"archive": "", "acceptLoss": True}}})
    render({"guard": {"opaConfig": "services: {}"}, "registry": {"enabled": False}})
    render({"namespaces": [], "networkPolicies": {"guardedPods": False}})


def test_a_word_that_yaml_takes_for_false_is_not_taken_for_off() -> None:
    assert "consent=off (quoted)" in refusal({"guard": {"settings": {"consent": False, "consent_keys": None}}})
