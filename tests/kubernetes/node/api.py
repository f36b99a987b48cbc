"""Kubernetes' API as JSON over HTTPS: what a node needs of it, in objects as they are on the wire."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING, Any

import urllib3
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Json = dict[str, Any]
TIMEOUT_S = 10.0
WATCH_S = 300
CONNECTIONS = 32
MERGE = "application/merge-patch+json"
STRATEGIC_MERGE = "application/strategic-merge-patch+json"  # lists of conditions are merged by their type


class ApiError(Exception):
    """The API server refused. `status` is the HTTP one."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """A client for any thread. Where the server does not answer at all, its methods raise urllib3's HTTPError."""

    def __init__(self, kubeconfig: Path) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        trusting = ssl.create_default_context(cafile=cluster["certificate-authority"])
        trusting.load_cert_chain(user["client-certificate"], user["client-key"])
        self._server = cluster["server"]
        self._pool = urllib3.PoolManager(ssl_context=trusting, maxsize=CONNECTIONS, retries=False)

    @property
    def port(self) -> int:
        """Where the API server listens."""
        return int(self._server.rpartition(":")[2])

    def get(self, path: str) -> Json:
        """An object, or a list of them."""
        return self._call("GET", path)

    def create(self, path: str, body: Json) -> Json:
        """The object as created."""
        return self._call("POST", path, body)

    def patch(self, path: str, body: Json, kind: str = MERGE) -> Json:
        """The object as changed."""
        return self._call("PATCH", path, body, kind)

    def delete(self, path: str, body: Json) -> None:
        """With `body` as DeleteOptions."""
        self._call("DELETE", path, body)

    def watch(self, path: str, version: str) -> Iterator[Json]:
        """Events since a resourceVersion, for a while; then ask again."""
        query = f"watch=1&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_S}"
        timeout = urllib3.Timeout(connect=TIMEOUT_S, read=WATCH_S + TIMEOUT_S)
        url = f"{self._server}{path}{'&' if '?' in path else '?'}{query}"
        response = self._pool.request("GET", url, preload_content=False, timeout=timeout)
        try:
            if response.status != 200:
                raise ApiError(response.status, response.data.decode(errors="replace"))
            yield from map(json.loads, response)
        finally:
            response.close()

    def _call(self, method: str, path: str, body: Json | None = None, kind: str = "application/json") -> Json:
        content = None if body is None else json.dumps(body)
        response = self._pool.request(
            method, self._server + path, body=content, headers={"Content-Type": kind}, timeout=TIMEOUT_S
        )
        answer: Json = response.json()
        if response.status >= 300:
            raise ApiError(response.status, answer.get("message", ""))
        return answer
