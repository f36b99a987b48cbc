from __future__ import annotations

from typing import Any

from sidecar.registry.serving.settings import RegistrySettings
from sidecar.settings import load_as
from tests.unit.helm.charts import EMBEDDED, NAME, Json, of_kind, pod_templates, render, the
from tests.unit.helm.test_objects import POSTGRESQL


def registry_pod(objects: list[Json]) -> Json:
    (pod,) = (pod["spec"] for owner, pod in pod_templates(objects).items() if owner.endswith("-registry"))
    return pod


def settings(pod: Json) -> RegistrySettings:
    """The container's arguments, as the registry itself reads them."""
    container = pod["containers"][0]
    words = [word.removeprefix("--").partition("=") for word in container["args"][2:]]
    flags: dict[str, Any] = {name.replace("-", "_"): value or "true" for name, _, value in words}
    given = {"database": container["env"][0].get("value", "postgresql://registry@db/registry")}
    return load_as(RegistrySettings, flags | given, None)


def test_its_arguments_are_settings_of_the_registry() -> None:
    read = settings(registry_pod(render({"registry": {"settings": {"token_life": "30d", "waiters": 100_000}}})))
    changed = {name: getattr(read, name) for name in sorted(read.model_fields_set)}
    assert {name: str(value) for name, value in changed.items()} == {
        "database": "sqlite:////var/lib/model-policy-sidecar/registry.db",
        "listen": "0.0.0.0:8095",
        "policy_key": "/etc/model-policy-sidecar/policy.pub",
        "signing_key": "/etc/model-policy-sidecar/signing.pem",
        "subject_key": "/etc/model-policy-sidecar/subject.key",
        "tls_cert": "/etc/model-policy-sidecar-tls/tls.crt",
        "tls_key": "/etc/model-policy-sidecar-tls/tls.key",
        "token_life": "2592000.0",
        "tokens": "/etc/model-policy-sidecar/tokens.yaml",
        "waiters": "100000",
    }


def test_a_setting_that_is_false_is_not_given() -> None:
    args = registry_pod(render({"registry": {"settings": {"open_reads": False}}}))["containers"][0]["args"]
    assert [word for word in args if "open" in word] == []
    args = registry_pod(render({"registry": {"settings": {"open_reads": True}}}))["containers"][0]["args"]
    assert "--open-reads" in args


def test_sqlite_is_one_pod_with_a_volume_that_migrates_itself() -> None:
    objects = render({"registry": {"database": {"size": "2Gi", "storageClass": "fast"}}})
    spec = the(objects, "StatefulSet", "registry")["spec"]
    assert spec["replicas"] == 1
    assert spec["volumeClaimTemplates"][0]["spec"] == {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "2Gi"}},
    }
    (migrate,) = registry_pod(objects)["initContainers"]
    assert (migrate["args"], migrate["env"]) == (
        ["registry", "migrate"],
        [{"name": "SIDECAR_REGISTRY_DATABASE", "value": "sqlite:////var/lib/model-policy-sidecar/registry.db"}],
    )


def test_postgresql_is_served_by_one_role_and_migrated_by_another() -> None:
    objects = render(POSTGRESQL)
    assert the(objects, "Deployment", "registry")["spec"]["replicas"] == 2
    assert of_kind(objects, "StatefulSet") == {}
    pod = registry_pod(objects)
    containers = [*pod["initContainers"], *pod["containers"]]
    assert [c["env"][0]["valueFrom"]["secretKeyRef"]["name"] for c in containers] == ["owner", "db"]
    database = POSTGRESQL["registry"]["database"] | {"ownerSecret": ""}
    assert "initContainers" not in registry_pod(render({"registry": {"replicas": 2, "database": database}}))


def test_its_pod_waits_for_its_certificate() -> None:
    volumes = {volume["name"]: volume for volume in registry_pod(render())["volumes"]}
    assert volumes["tls"]["secret"] == {
        "secretName": f"{NAME}-registry-tls",
        "items": [{"key": "tls.crt", "path": "tls.crt"}, {"key": "tls.key", "path": "tls.key"}],
    }


def test_without_it_nothing_of_it_is_there() -> None:
    objects = render(EMBEDDED)
    assert [o["metadata"]["name"] for o in objects if "registry" in o["metadata"]["name"]] == []
    assert "registry" not in str(the(objects, "Role", "injector"))
    assert "--registry-service" not in str(the(objects, "Deployment", "injector"))
