"""The pods that the scheduler has given to this node, each with a life of its own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tests.kubernetes.node.mirror import Mirror
from tests.kubernetes.node.pod import PodLife

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Api, Json
    from tests.kubernetes.node.parts import Parts


class Pods:
    """Starts a life for each pod, and tells it what happens to its object."""

    def __init__(self, api: Api, node: str, parts: Parts) -> None:
        self._parts = parts
        self._lives: dict[str, PodLife] = {}
        self._lock = threading.Lock()
        self._mirror = Mirror(api, f"/api/v1/pods?fieldSelector=spec.nodeName={node}", self._on_change)

    def start(self) -> None:
        """From now on pods run."""
        self._mirror.start()

    def wake(self) -> None:
        """ConfigMaps or Secrets have changed."""
        with self._lock:
            lives = list(self._lives.values())
        for life in lives:
            life.wake()

    def _on_change(self, new: Json | None, old: Json | None) -> None:
        if old is not None and (new is None or new["metadata"]["uid"] != old["metadata"]["uid"]):
            self._end(old)
        if new is None:
            return
        with self._lock:
            life = self._lives.get(new["metadata"]["uid"])
            if life is None:
                life = self._lives[new["metadata"]["uid"]] = PodLife(new, self._parts)
                life.start()
                return
        life.update(new)

    def _end(self, pod: Json) -> None:
        with self._lock:
            life = self._lives.pop(pod["metadata"]["uid"], None)
        if life is not None:
            life.update(None)
