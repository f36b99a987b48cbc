"""injector.yaml and the injector's arguments as the chart renders them, read by the code that they are for."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from sidecar.cli.injector.release_keys import Release, release_files
from sidecar.injector.config import InjectorConfig
from sidecar.injector.names import CONFIG_FOLDER, SECRETS_FOLDER
from sidecar.injector.serving.settings import InjectorSettings
from sidecar.policy.bundled.config import load_config
from sidecar.registry.shelf.opa_config import Registry, configuration
from sidecar.settings import load_as
from tests.keys import EC, RSA, public_pem, verifying_key
from tests.unit.helm.charts import (
    BUNDLED,
    CROSS_CHECKED,
    EMBEDDED,
    NAME,
    NAMESPACE,
    VALUES,
    Json,
    of_kind,
    pod_templates,
    render,
    the,
)
from tests.unit.helm.test_objects import CERT_MANAGER

if TYPE_CHECKING:
    from tests.keys import PrivateKey


def config(changes: Json | None = None) -> InjectorConfig:
    return InjectorConfig.parse(the(render(changes), "ConfigMap", "injector")["data"]["injector.yaml"])


def injector(changes: Json) -> tuple[Json, InjectorSettings]:
    """The injector's container, and its arguments as it reads them."""
    container = pod_templates(render(changes))[f"Deployment/{NAME}-injector"]["spec"]["containers"][0]
    words = [word.removeprefix("--").partition("=") for word in container["args"][2:]]
    flags: dict[str, Any] = {name.replace("-", "_"): value for name, _, value in words}
    source = flags.pop("config")
    return container, load_as(InjectorSettings, flags | {"config": source}, None)


@pytest.mark.parametrize(("registry_key", "policy_key"), [(EC, RSA), (RSA, EC)], ids=["ec-rsa", "rsa-ec"])
def test_opas_configuration_is_what_the_registry_prints_for_it(
    registry_key: PrivateKey, policy_key: PrivateKey
) -> None:
    keys = {"publicKey": public_pem(registry_key).decode(), "policyKey": public_pem(policy_key).decode()}
    registry = Registry(
        f"https://{NAME}-registry.{NAMESPACE}.svc:8095",
        Path(SECRETS_FOLDER, "engine.token"),
        Path(CONFIG_FOLDER, "registry-ca.crt"),
    )
    rendered = yaml.safe_load(config({"registry": keys}).opa_config or "")
    assert rendered == configuration(registry, verifying_key(registry_key), verifying_key(policy_key))


def test_a_configuration_of_ones_own_is_passed_on_as_it_is() -> None:
    text = 'services:\n  mine: {url: https://bundles.example}\n# with a comment, and "quotes"\n'
    assert config({"guard": {"opaConfig": text}, "registry": {"enabled": False}}).opa_config == text


def test_defaults_are_those_of_the_injector() -> None:
    rendered = config()
    settings: Json = VALUES["guard"]["settings"] | {"audit_archive": "s3://bucket/audit"}
    assert rendered == InjectorConfig(
        sidecar_image="model-policy-sidecar:0.1.0", settings=settings, opa_config=rendered.opa_config
    )


def test_every_value_reaches_the_injector() -> None:
    digest = "sha256:" + "a" * 64
    resources = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    rendered = config(
        {
            "image": {"repository": "registry.example/sidecar", "digest": digest, "pullPolicy": "Always"},
            "guard": {
                "opaImage": {"repository": "registry.example/opa", "tag": "1"},
                "secret": "other",
                "adminPort": 9000,
                "runAsUser": 1_000_680_000,
                "settings": {"audit_segment": 67_108_864, "window_spans": ["15m", "1d"], "consent_leeway_s": 2.5},
                "audit": {"size": "8Gi", "storageClass": "fast"},
                "resources": resources,
                "opaResources": resources,
                "drainSeconds": 11,
                "keepAliveSeconds": 6,
                "upstreamTimeoutSeconds": 31,
                "upstreamTimeoutLimitSeconds": 301,
                "allowShadow": True,
                "allowMetadata": True,
            },
        }
    )
    assert rendered.model_dump(exclude={"opa_config", "engine"}) == {
        "sidecar_image": f"registry.example/sidecar@{digest}",
        "opa_image": "registry.example/opa:1",
        "image_pull_policy": "Always",
        "admin_port": 9000,
        "run_as_user": 1_000_680_000,
        "secret": "other",
        "settings": VALUES["guard"]["settings"]
        | {
            "audit_archive": "s3://bucket/audit",
            "audit_segment": 67_108_864,
            "window_spans": ["15m", "1d"],
            "consent_leeway_s": 2.5,
        },
        "resources": {"sidecar": resources, "opa": resources},
        "audit_volume": {"size": "8Gi", "storage_class": "fast"},
        "drain_s": 11,
        "keep_alive_time_s": 6,
        "upstream_timeout_s": 31,
        "upstream_timeout_limit_s": 301,
        "allow_shadow": True,
        "allow_metadata": True,
    }


def test_without_bundles_the_embedded_engine_has_no_file_of_them() -> None:
    rendered = config(EMBEDDED)
    assert (rendered.engine, rendered.opa_config, rendered.runs_opa) == ("embedded", None, False)


@pytest.mark.parametrize(("changes", "runs_opa"), [(BUNDLED, False), (CROSS_CHECKED, True)], ids=["alone", "checked"])
def test_with_the_registry_it_has_opas_own_and_can_read_it(changes: Json, runs_opa: bool, tmp_path: Path) -> None:
    rendered = config(changes)
    assert (rendered.engine, rendered.opa_config, rendered.runs_opa) == ("embedded", config().opa_config, runs_opa)
    file = tmp_path / "opa.yaml"
    file.write_text(rendered.opa_config or "")
    found = load_config(file)
    assert [spec.name for spec in found.specs] == ["data", "policy", "revocations", "revocations-earlier"]
    assert {(str(spec.ca_file), str(spec.token_file), spec.persist) for spec in found.specs} == {
        (f"{CONFIG_FOLDER}/registry-ca.crt", f"{SECRETS_FOLDER}/engine.token", True)
    }


def test_a_self_managing_injector_is_told_its_names() -> None:
    _, read = injector({})
    assert {name: str(getattr(read, name)) for name in read.model_fields_set} == {
        "config": "/etc/model-policy-sidecar/injector.yaml",
        "listen": "0.0.0.0:9443",
        "admin": "0.0.0.0:9081",
        "certificates": "self-managed",
        "namespace": NAMESPACE,
        "name": NAME,
        "service": f"{NAME}-injector",
        "registry_service": f"{NAME}-registry",
    }


def test_the_values_that_init_writes_are_the_charts() -> None:
    release = Release(NAMESPACE, "guards", ("models",), "model-policy-sidecar", b'{"keys": []}')
    objects = render(yaml.safe_load(release_files(release)["values.yaml"]))
    assert "guards-registry" in str(pod_templates(objects)["StatefulSet/guards-registry"]["spec"]["volumes"])
    assert set(of_kind(objects, "Service")) == {"guards-injector", "guards-registry"}


def test_other_certificates_are_files() -> None:
    container, read = injector(CERT_MANAGER)
    assert (read.certificates, str(read.certificate_dir)) == ("files", "/etc/model-policy-sidecar-tls")
    assert {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]} == {
        "config": "/etc/model-policy-sidecar",
        "tls": "/etc/model-policy-sidecar-tls",
        "tmp": "/tmp",
    }
