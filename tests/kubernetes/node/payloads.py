"""What is in the files of ConfigMap, Secret, downward API and projected volumes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.kubernetes.node.atomic_files import FileContent
from tests.kubernetes.node.environment import NotThere, field, resource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.kubernetes.node.api import Json

    ConfigReader = Callable[[str, str, str], Mapping[str, bytes] | None]  # by kind, namespace and name

DEFAULT_MODE = 0o644
RENEWED_AT = 0.8  # of a token's lifetime


class Tokens:
    """A pod's service account tokens, asked for when first read, and again when they near their end."""

    def __init__(self, request: Callable[[Json], str]) -> None:
        self._request = request
        self._held: dict[tuple[str, int], tuple[str, float]] = {}

    def token(self, source: Json) -> str:
        """For a `serviceAccountToken` source."""
        audience, lifetime_s = source.get("audience", ""), source.get("expirationSeconds", 3600)
        held, until_s = self._held.get((audience, lifetime_s), ("", 0.0))
        if time.monotonic() >= until_s:
            audiences = {"audiences": [audience]} if audience else {}
            held = self._request({"expirationSeconds": lifetime_s, **audiences})
            self._held[audience, lifetime_s] = held, time.monotonic() + RENEWED_AT * lifetime_s
        return held


class Payloads:
    """Reads the sources of one pod's volumes."""

    def __init__(self, config: ConfigReader, namespace: str, tokens: Tokens) -> None:
        self._config_data = config
        self._namespace = namespace
        self._tokens = tokens

    def files(self, volume: Json, pod: Json) -> dict[str, FileContent] | None:
        """By path; None where the volume is of another kind. Raises NotThere."""
        [kind] = [key for key in volume if key != "name"]
        if kind not in {"configMap", "secret", "downwardAPI", "projected"}:
            return None
        mode = volume[kind].get("defaultMode", DEFAULT_MODE)
        sources = volume[kind].get("sources", []) if kind == "projected" else [{kind: volume[kind]}]
        group = pod["spec"].get("securityContext", {}).get("fsGroup")
        found: dict[str, FileContent] = {}
        for source in sources:
            for path, (content, own_mode) in self._read(source, pod).items():
                found[path] = _file(content, own_mode or mode, group)
        return found

    def _read(self, source: Json, pod: Json) -> Mapping[str, tuple[bytes, int | None]]:
        [(kind, where)] = source.items()
        if kind == "serviceAccountToken":
            return {where["path"]: (self._tokens.token(where).encode(), None)}
        if kind == "downwardAPI":
            return {each["path"]: (_downward(each, pod).encode(), each.get("mode")) for each in where.get("items", [])}
        if kind in {"configMap", "secret"}:
            return self._config(kind, where)
        raise NotThere(f"projected source {kind}, which this node does not know")

    def _config(self, kind: str, where: Json) -> Mapping[str, tuple[bytes, int | None]]:
        name = where.get("secretName") or where["name"]
        data = self._config_data(kind, self._namespace, name)
        if data is None:
            if where.get("optional"):
                return {}
            raise NotThere(f"{kind} {name}")
        if "items" not in where:
            return {key: (value, None) for key, value in data.items()}
        lacking = [each["key"] for each in where["items"] if each["key"] not in data]
        if lacking and not where.get("optional"):
            raise NotThere(f"{kind} {name} with key {lacking[0]}")
        return {each["path"]: (data[each["key"]], each.get("mode")) for each in where["items"] if each["key"] in data}


def _downward(item: Json, pod: Json) -> str:
    if "fieldRef" in item:
        return field(pod, item["fieldRef"]["fieldPath"])
    reference = item["resourceFieldRef"]
    named = [each for each in pod["spec"]["containers"] if each["name"] == reference["containerName"]]
    return resource(reference, named[0])


def _file(content: bytes, mode: int, group: int | None) -> FileContent:
    """Where the pod has an `fsGroup`, that group may read."""
    return FileContent(content, mode) if group is None else FileContent(content, mode | 0o440, group)
