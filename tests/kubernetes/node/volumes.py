"""The volumes of one pod: set up before its first container, kept up to date, unmounted after its last."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.kubernetes.node.atomic_files import AtomicFiles
from tests.kubernetes.node.environment import NotThere
from tests.kubernetes.node.oci import Mount
from tests.kubernetes.node.quantities import in_units
from tests.kubernetes.programs import run

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.claims import Claims
    from tests.kubernetes.node.payloads import Payloads


class Volumes:
    """`folder` is this pod's own; claims outlive it elsewhere."""

    def __init__(self, folder: Path, pod: Json, payloads: Payloads, claims: Claims) -> None:
        self._folder = folder
        self._specs: list[Json] = pod["spec"].get("volumes", [])
        self._payloads = payloads
        self._claims = claims
        self._files: dict[str, AtomicFiles] = {}
        self._paths: dict[str, Path] = {}
        self._mounted: list[Path] = []

    def set_up(self, pod: Json) -> None:
        """Raises NotThere; call again then."""
        for spec in self._specs:
            if spec["name"] not in self._paths:
                self._paths[spec["name"]] = self._set_up(spec, pod)

    def refresh(self, pod: Json) -> None:
        """Writes what has changed: metadata of the pod, ConfigMaps, Secrets, tokens. What has gone stays as it was."""
        for spec in self._specs:
            if spec["name"] in self._files:
                try:
                    files = self._payloads.files(spec, pod)
                except NotThere:
                    continue
                self._files[spec["name"]].write(files or {})

    def mounts(self, container: Json) -> list[Mount]:
        """Shorter paths first, so that no mount hides another."""
        found = [self._mount(each) for each in container.get("volumeMounts", [])]
        return sorted(found, key=lambda mount: mount.destination)

    def unmount(self) -> None:
        """After that the folder can be removed."""
        for path in self._mounted:
            run("umount", "--lazy", str(path))

    def _set_up(self, spec: Json, pod: Json) -> Path:
        path = self._folder / spec["name"]
        group = pod["spec"].get("securityContext", {}).get("fsGroup")
        files = self._payloads.files(spec, pod)
        if files is not None:
            path.mkdir(parents=True, exist_ok=True)
            self._files[spec["name"]] = AtomicFiles(path)
            self._files[spec["name"]].write(files)
            return path
        if "emptyDir" in spec:
            path.mkdir(parents=True, exist_ok=True)
            self._empty(path, spec["emptyDir"])
        else:
            path = self._claimed(spec, pod)
        _share(path, group)
        return path

    def _empty(self, path: Path, spec: Json) -> None:
        if spec.get("medium") != "Memory":
            return
        size = f"size={in_units(spec['sizeLimit'], '1')}" if "sizeLimit" in spec else "size=50%"
        run("mount", "-t", "tmpfs", "-o", size, "memory", str(path))
        self._mounted.append(path)

    def _claimed(self, spec: Json, pod: Json) -> Path:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        if "persistentVolumeClaim" in spec:
            return self._claims.folder(namespace, spec["persistentVolumeClaim"]["claimName"])
        if "ephemeral" in spec:
            return self._claims.folder(namespace, f"{name}-{spec['name']}")
        raise NotThere(f"volume {spec['name']} of a kind that this node does not know")

    def _mount(self, mount: Json) -> Mount:
        if "subPathExpr" in mount:
            raise NotThere(f"volume mount {mount['name']} with subPathExpr, which this node does not know")
        source, inside = self._paths[mount["name"]], mount.get("subPath", "")
        if inside and not (source / inside).exists():
            (source / inside).mkdir(mode=0o777, parents=True)
        read_only = mount.get("readOnly", False) or mount["name"] in self._files
        return Mount(source / inside, mount["mountPath"], read_only)


def _share(path: Path, group: int | None) -> None:
    """Everybody may write to a new volume; where the pod has an `fsGroup`, all in it belongs to that group."""
    path.chmod(0o777)
    if group is not None:
        os.chown(path, -1, group)
        path.chmod(0o2777)
