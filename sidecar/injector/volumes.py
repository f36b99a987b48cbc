"""The volumes of a guarded pod. Of them the model's container mounts TorchServe's file at most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.injector import names

if TYPE_CHECKING:
    from sidecar.injector.config import AuditVolume, InjectorConfig
    from sidecar.injector.plan import Plan
    from sidecar.injector.values import Json

READABLE = 0o444
"""By the guard's user, who owns no file of a Secret; nobody else mounts it."""


def guard_volumes(plan: Plan, config: InjectorConfig, *, with_registry_ca: bool) -> list[Json]:
    """All that the guard containers mount."""
    secret = {"secretName": config.secret, "defaultMode": READABLE}
    made: list[Json] = [
        _audit(config.audit_volume),
        _config(config, with_registry_ca=with_registry_ca),
        {"name": names.SECRETS_VOLUME, "secret": secret},
        {"name": names.TMP_VOLUME, "emptyDir": {}},
    ]
    if config.runs_opa:
        made.insert(0, {"name": names.SOCKET_VOLUME, "emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}})
        made.insert(2, {"name": names.BUNDLES_VOLUME, "emptyDir": {}})
    if plan.binding.config_file is not None:
        made.append({"name": names.TORCHSERVE_VOLUME, "emptyDir": {"sizeLimit": "1Mi"}})
    return made


def _audit(volume: AuditVolume) -> Json:
    if volume.storage_class is None:
        return {"name": names.AUDIT_VOLUME, "emptyDir": {"sizeLimit": volume.size}}
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": volume.size}},
        "storageClassName": volume.storage_class,
        "volumeMode": "Filesystem",
    }
    return {"name": names.AUDIT_VOLUME, "ephemeral": {"volumeClaimTemplate": {"spec": claim}}}


def _config(config: InjectorConfig, *, with_registry_ca: bool) -> Json:
    """Files out of annotations: nothing else has to be in the pod's namespace, and they change with a new pod only."""
    files = {} if config.opa_config is None else {"opa.yaml": names.OPA_CONFIG}
    if with_registry_ca:
        files["registry-ca.crt"] = names.REGISTRY_CA
    items = [
        {"path": path, "fieldRef": {"apiVersion": "v1", "fieldPath": f"metadata.annotations['{name}']"}}
        for path, name in files.items()
    ]
    return {"name": names.CONFIG_VOLUME, "downwardAPI": {"defaultMode": READABLE, "items": items}}
