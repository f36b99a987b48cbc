"""ConfigMaps and Secrets as last seen, and who is told when they change."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from tests.kubernetes.node.mirror import Mirror

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.kubernetes.node.api import Api, Json

PATHS = {"configMap": "/api/v1/configmaps", "secret": "/api/v1/secrets"}


class Configs:
    """By the kind as volumes name it: `configMap` or `secret`."""

    def __init__(self, api: Api) -> None:
        self._mirrors = {kind: Mirror(api, path, lambda _new, _old: self._on_change()) for kind, path in PATHS.items()}
        self._on_change: Callable[[], None] = lambda: None

    def start(self, on_change: Callable[[], None]) -> None:
        """Returns with the first copies complete."""
        self._on_change = on_change
        for mirror in self._mirrors.values():
            mirror.start()

    def data(self, kind: str, namespace: str, name: str) -> dict[str, bytes] | None:
        """By key; None where there is no such object."""
        item = self._mirrors[kind].get(namespace, name)
        return None if item is None else _decoded(kind, item)

    def text(self, kind: str, namespace: str, name: str) -> dict[str, str] | None:
        """The same for environment variables."""
        data = self.data(kind, namespace, name)
        return None if data is None else {key: value.decode() for key, value in data.items()}


def _decoded(kind: str, item: Json) -> dict[str, bytes]:
    plain = {} if kind == "secret" else {key: value.encode() for key, value in item.get("data", {}).items()}
    encoded = item.get("data" if kind == "secret" else "binaryData", {})
    return {**plain, **{key: base64.b64decode(value) for key, value in encoded.items()}}
