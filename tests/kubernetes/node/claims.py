"""PersistentVolumeClaims, each answered with a folder of its own that lasts as long as the cluster."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tests.kubernetes.node.api import ApiError
from tests.kubernetes.node.environment import NotThere
from tests.kubernetes.node.mirror import Mirror

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.node.api import Api, Json

log = logging.getLogger(__name__)
CLASS = "folders"
DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
CONFLICT = 409


class Claims:
    """Provisions the default storage class."""

    def __init__(self, api: Api, folder: Path) -> None:
        self._api = api
        self._folder = folder
        self._mirror = Mirror(api, "/api/v1/persistentvolumeclaims", self._on_change)

    def start(self) -> None:
        """Makes the storage class, and serves it from now on."""
        metadata = {"name": CLASS, "annotations": {DEFAULT_CLASS: "true"}}
        storage_class = {"metadata": metadata, "provisioner": "model-policy-sidecar.io/folders"}
        self._api.create("/apis/storage.k8s.io/v1/storageclasses", storage_class)
        self._mirror.start()

    def folder(self, namespace: str, name: str) -> Path:
        """Where a bound claim's files are. Raises NotThere."""
        claim = self._mirror.get(namespace, name)
        if claim is None or claim.get("status", {}).get("phase") != "Bound":
            raise NotThere(f"claim {name}, bound to a volume")
        return self._folder / claim["spec"]["volumeName"]

    def _on_change(self, claim: Json | None, _old: Json | None) -> None:
        if claim is None or claim["spec"].get("volumeName") or claim["spec"].get("storageClassName") != CLASS:
            return
        name = f"pvc-{claim['metadata']['uid']}"
        (self._folder / name).mkdir(parents=True, exist_ok=True)
        try:
            self._api.create("/api/v1/persistentvolumes", self._volume(name, claim))
        except ApiError as error:
            if error.status != CONFLICT:  # made at an earlier change already
                log.warning("claim %s: %s", claim["metadata"]["name"], error)

    def _volume(self, name: str, claim: Json) -> Json:
        reference = {key: claim["metadata"][key] for key in ("namespace", "name", "uid")}
        spec = {
            "capacity": claim["spec"]["resources"]["requests"],
            "accessModes": claim["spec"]["accessModes"],
            "claimRef": {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **reference},
            "hostPath": {"path": str(self._folder / name)},
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
        }
        return {"metadata": {"name": name}, "spec": spec}
