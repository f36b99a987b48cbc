from __future__ import annotations

from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.plan import plan_for
from sidecar.injector.shape import shaped
from sidecar.injector.volumes import guard_volumes
from tests.unit.injector.pods import config, pod, triton


def volumes(*, with_registry_ca: bool = False, **changed: object) -> dict[object, dict[str, Any]]:
    made = config(**changed)
    plan = plan_for(shaped(pod(triton())), made)
    return {one["name"]: one for one in guard_volumes(plan, made, with_registry_ca=with_registry_ca)}


def test_nothing_of_torchserves_elsewhere() -> None:
    assert tuple(volumes()) == names.GUARD_VOLUMES[:-1]


def test_records_wait_on_the_node_or_on_a_claim_of_the_pods_own() -> None:
    assert volumes(audit_volume={"size": "1Gi"})[names.AUDIT_VOLUME] == {
        "name": "policy-audit",
        "emptyDir": {"sizeLimit": "1Gi"},
    }
    assert volumes(audit_volume={"size": "1Gi", "storage_class": "fast"})[names.AUDIT_VOLUME] == {
        "name": "policy-audit",
        "ephemeral": {
            "volumeClaimTemplate": {
                "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": {"requests": {"storage": "1Gi"}},
                    "storageClassName": "fast",
                    "volumeMode": "Filesystem",
                }
            }
        },
    }


@pytest.mark.parametrize(
    ("opa_config", "with_registry_ca", "paths"),
    [
        ("services: {}", True, ["opa.yaml", "registry-ca.crt"]),
        ("services: {}", False, ["opa.yaml"]),
        (None, False, []),
    ],
)
def test_files_come_out_of_annotations(opa_config: str | None, with_registry_ca: bool, paths: list[str]) -> None:
    engine = "embedded" if opa_config is None else "opa"
    found = volumes(with_registry_ca=with_registry_ca, engine=engine, opa_config=opa_config)
    assert [item["path"] for item in found[names.CONFIG_VOLUME]["downwardAPI"]["items"]] == paths
