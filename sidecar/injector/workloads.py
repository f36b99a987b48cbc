"""Guarding what makes pods: the pod template of Deployments and other workloads, without a webhook."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from sidecar.injector.guard import guard
from sidecar.injector.values import Guarded, Json, PodRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.injector.config import InjectorConfig

TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": (),
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
"""Where each kind has its pod template. Kinds of others make pods by controllers of their own: the webhook's work."""
API_VERSIONS = ("v1", "apps/v1", "batch/v1")


def has_pods(manifest: Json) -> bool:
    """Whether a manifest is of a kind that `guard_workload` takes."""
    kind, version = manifest.get("kind"), manifest.get("apiVersion")
    return isinstance(kind, str) and kind in TEMPLATES and version in API_VERSIONS


def guard_workload(
    manifest: Json, config: InjectorConfig, *, registry_ca: str | None, namespace: str = "default"
) -> Guarded:
    """The manifest with its pod template guarded; `Guarded.pod` is the whole manifest. It stays as it is itself.

    `namespace` is that of manifests which name none. Raises `PodRefused`, also for a manifest without pods.
    """
    if not has_pods(manifest):
        kinds = ", ".join(TEMPLATES)
        raise PodRefused(
            [f"{manifest.get('kind')!a} of {manifest.get('apiVersion')!a} has no pod template; give {kinds}"]
        )
    path = TEMPLATES[cast("str", manifest["kind"])]
    own = _own_namespace(manifest)
    guarded = guard(_inner(manifest, path), config, namespace=own or namespace, registry_ca=registry_ca)
    return Guarded(changed_at(manifest, path, lambda _: guarded.pod), guarded.explanation)


def _own_namespace(manifest: Json) -> str | None:
    metadata = manifest.get("metadata")
    namespace = cast("Json", metadata).get("namespace") if isinstance(metadata, dict) else None
    return namespace if isinstance(namespace, str) else None


def _inner(manifest: Json, path: tuple[str, ...]) -> Json:
    inner = manifest
    for step in path:
        following = inner.get(step)
        if not isinstance(following, dict):
            where = ".".join(path)
            raise PodRefused([f"{where} is missing; `kubectl explain {manifest['kind']}` shows what belongs there"])
        inner = cast("Json", following)
    return inner


def changed_at(holder: Json, path: tuple[str, ...], change: Callable[[Json], Json]) -> Json:
    """A copy in which the object at `path` is changed; `holder` as it is where no object lies there."""
    if not path:
        return change(holder)
    inner = holder.get(path[0])
    return {**holder, path[0]: changed_at(cast("Json", inner), path[1:], change)} if isinstance(inner, dict) else holder
