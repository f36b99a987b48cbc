"""What `explain` and `inject` share: manifests of a file, each with a pod template guarded, all refusals at once."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from sidecar.cli.injector.manifests import LIMIT_BYTES, ManifestInvalid, parse
from sidecar.injector import names
from sidecar.injector.values import PodRefused
from sidecar.injector.workloads import TEMPLATES, changed_at, guard_workload, has_pods

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.values import Guarded, Json

_LISTS = {("v1", "List"), ("config.kubernetes.io/v1", "ResourceList")}
"""What holds manifests as `items`: kubectl's answers, and what Kustomize hands to a function and wants back."""


@dataclass(frozen=True, slots=True)
class Done:
    """One manifest with pods, before and after."""

    name: str
    before: Json
    guarded: Guarded


@dataclass(slots=True)
class Guarding:
    """Guards manifests by one configuration, and keeps what came of it. `refusals`: by the manifest's name."""

    config: InjectorConfig
    registry_ca: str | None
    namespace: str = "default"
    done: list[Done] = field(default_factory=list["Done"])
    refusals: list[tuple[str, PodRefused]] = field(default_factory=list["tuple[str, PodRefused]"])

    def document(self, manifest: Json) -> Json:
        """The manifest guarded, or as it is where it has no pods or is refused; a list with its items so."""
        if is_list(manifest):
            return {**manifest, "items": [self.document(item) for item in items(manifest)]}
        return self._workload(manifest) if has_pods(manifest) else manifest

    def _workload(self, manifest: Json) -> Json:
        try:
            guarded = guard_workload(
                _ungated(manifest), self.config, registry_ca=self.registry_ca, namespace=self.namespace
            )
        except PodRefused as refused:
            self.refusals.append((name_of(manifest), refused))
            return manifest
        self.done.append(Done(name_of(manifest), manifest, guarded))
        return guarded.pod

    @property
    def problems(self) -> Iterator[str]:
        """Every refusal, a line each."""
        for name, refused in self.refusals:
            yield from (f"{name}: {problem}" for problem in refused.problems)


def read(path: Path) -> list[Json]:
    """The documents of a file, `-` for standard input. Raises `ManifestInvalid`."""
    if str(path) == "-":
        return parse(sys.stdin.buffer.read(LIMIT_BYTES + 1), "standard input")
    try:
        with path.open("rb") as file:
            content = file.read(LIMIT_BYTES + 1)
    except OSError as error:
        raise ManifestInvalid(f"{path}: {error.strerror}") from None
    return parse(content, str(path))


def is_list(manifest: Json) -> bool:
    """Whether it holds others."""
    return (manifest.get("apiVersion"), manifest.get("kind")) in _LISTS


def items(manifest: Json) -> list[Json]:
    """What a list holds that is an object."""
    found = manifest.get("items")
    listed = cast("list[object]", found) if isinstance(found, list) else []
    return [cast("Json", item) for item in listed if isinstance(item, dict)]


def name_of(manifest: Json) -> str:
    """For people: `Deployment/credit`."""
    metadata = manifest.get("metadata")
    members = cast("Json", metadata) if isinstance(metadata, dict) else {}
    return f"{manifest.get('kind')}/{members.get('name') or members.get('generateName') or '?'}"


def _ungated(manifest: Json) -> Json:
    """Without our gate; where the manifest is malformed it is left to the guard to say so."""
    return changed_at(manifest, (*TEMPLATES[str(manifest["kind"])], "spec"), _without_gate)


def _without_gate(spec: Json) -> Json:
    gates = spec.get("schedulingGates")
    if not isinstance(gates, list) or {"name": names.GATE} not in gates:
        return spec
    left = [gate for gate in cast("list[object]", gates) if gate != {"name": names.GATE}]
    rest = {name: value for name, value in spec.items() if name != "schedulingGates"}
    return rest | ({"schedulingGates": left} if left else {})
