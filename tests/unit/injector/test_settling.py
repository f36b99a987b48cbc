from __future__ import annotations

import copy
from typing import Any

import pytest

from sidecar.injector import names
from sidecar.injector.guard import guard
from sidecar.injector.settling import meaning
from tests.unit.injector.pods import CA, CONFIG, config, pod, triton

TORCHSERVE = {"name": "torchserve", "image": "pytorch/torchserve:0.12.0-cpu"}


def guarded(given: dict[str, Any], made: Any = CONFIG) -> dict[str, Any]:
    return copy.deepcopy(guard(given, made, namespace="models", registry_ca=CA).pod)


def init_names(given: dict[str, Any]) -> list[str]:
    return [one["name"] for one in given["spec"]["initContainers"]]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"sizeLimit": "1024Mi"}, {"sizeLimit": "1Gi"}, True),
        ({"storage": "0.5"}, {"storage": "500m"}, True),
        ({"sizeLimit": "1Gi"}, {"sizeLimit": "1G"}, False),
        ({"name": "1024Mi"}, {"name": "1Gi"}, False),
        ({"a": {"b": None, "c": []}, "d": [{}]}, {"d": [{}]}, True),
        ({"a": False}, {}, False),
        ({"a": 0}, {"a": None}, False),
    ],
)
def test_what_means_the_same(one: object, other: object, same: bool) -> None:
    assert (meaning(one) == meaning(other)) is same


def test_the_api_servers_way_to_write_stays() -> None:
    made = config(audit_volume={"size": "2048Mi", "storage_class": "fast"})
    given = guarded(pod(triton()), made)
    [audit] = [one for one in given["spec"]["volumes"] if one["name"] == names.AUDIT_VOLUME]
    template = audit["ephemeral"]["volumeClaimTemplate"]
    template["metadata"] = {"creationTimestamp": None}
    template["spec"]["resources"]["requests"]["storage"] = "2Gi"
    assert guarded(given, made) == given


def test_resources_stay_as_a_limit_range_fills_them() -> None:
    given = guarded(pod(triton()))
    given["spec"]["initContainers"][1]["resources"]["limits"]["cpu"] = "2"
    assert guarded(given) == given


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "evil"},
        {"args": ["run", "--mode=shadow"]},
        {"command": ["sleep"]},
        {"env": [{"name": "SIDECAR_MODE", "value": "shadow"}]},
        {"envFrom": [{"configMapRef": {"name": "x"}}]},
        {"restartPolicy": None},
        {"lifecycle": {"postStart": {"exec": {"command": ["x"]}}}},
        {"securityContext": {}},
        {"volumeMounts": []},
        {"startupProbe": None},
    ],
)
def test_nothing_else_of_the_guard_stays_as_others_have_it(changed: dict[str, object]) -> None:
    given = guarded(pod(triton()))
    tampered = copy.deepcopy(given)
    tampered["spec"]["initContainers"][1].update(changed)
    assert guarded(tampered) == given


def test_a_mesh_may_start_first() -> None:
    given = guarded(pod(triton(), initContainers=[{"name": "init"}]))
    mesh = {"name": "istio-proxy", "restartPolicy": "Always"}
    given["spec"]["initContainers"] = [mesh, *given["spec"]["initContainers"]]
    assert init_names(guarded(given)) == ["istio-proxy", names.OPA, names.SIDECAR, "init"]
    assert guarded(given) == given


def test_opa_starts_before_the_sidecar() -> None:
    given = guarded(pod(triton()))
    given["spec"]["initContainers"].reverse()
    assert init_names(guarded(given)) == [names.OPA, names.SIDECAR]


def test_torchserves_file_is_written_after_all_that_may_bring_it() -> None:
    given = guarded(pod(TORCHSERVE))
    given["spec"]["initContainers"].append({"name": "storage-initializer"})
    again = guarded(given)
    assert init_names(again) == [names.OPA, names.SIDECAR, "storage-initializer", names.TORCHSERVE_CONFIG]
    again["spec"]["initContainers"].append({"name": "late", "restartPolicy": "Always"})
    assert guarded(again) == again
