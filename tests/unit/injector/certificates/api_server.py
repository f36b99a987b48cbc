"""The few paths of Kubernetes' API that certificates need, over HTTP: versions, conflicts, rights, JSON patches."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Object = dict[str, Any]
SECRETS = "/api/v1/namespaces/system/secrets/"
ADMISSION = "/apis/admissionregistration.k8s.io/v1/"


class ApiServer:
    """`objects` by path. `status`, where it is set, is the answer to everything."""

    def __init__(self) -> None:
        self.objects: dict[str, Object] = {}
        self.status = 0
        self.requests: list[tuple[str, str]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,)).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def secret(self, name: str, data: Mapping[str, bytes]) -> Object:
        """Adds one."""
        encoded = {key: base64.b64encode(value).decode() for key, value in data.items()}
        metadata = {"name": name, "namespace": "system", "resourceVersion": "1", "labels": {"of": "helm"}}
        made = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": metadata, "data": encoded or None}
        self.objects[SECRETS + name] = made
        return made

    def webhooks(self, kind: str, name: str, *webhooks: str) -> Object:
        """Adds a webhook configuration."""
        service = {"clientConfig": {"service": {"name": "injector", "namespace": "system"}}}
        rest = {"admissionReviewVersions": ["v1"], "sideEffects": "None"}
        made: Object = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}}
        made["webhooks"] = [{"name": webhook, **json.loads(json.dumps(service)), **rest} for webhook in webhooks]
        self.objects[f"{ADMISSION}{kind.lower()}s/{name}"] = made
        return made

    def write_kubeconfig(self, path: Path) -> Path:
        """How a client finds it."""
        cluster = {"server": f"http://127.0.0.1:{self._server.server_port}"}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "x",
            "clusters": [{"name": "x", "cluster": cluster}],
            "users": [{"name": "x", "user": {"token": "t"}}],
            "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        }
        path.write_text(json.dumps(content))
        return path

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Object]:
        """One request."""
        self.requests.append((method, path))
        found = self.objects.get(path)
        if self.status or found is None:
            return self.status or 404, {"kind": "Status", "message": "no"}
        if method == "PUT":
            if body["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
                return 409, {"kind": "Status", "reason": "Conflict"}
            body["metadata"]["resourceVersion"] += "0"
            self.objects[path] = found = body
        elif method == "PATCH":
            for operation in body:
                _apply(found, **operation)
        return 200, found

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def handle_one_request(self) -> None:
                self.raw_requestline = self.rfile.readline()
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                length = int(self.headers.get("Content-Length", 0))
                body = json.loads(self.rfile.read(length)) if length else None
                status, content = server.answer(self.command, self.path, body)
                answer = json.dumps(content).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
                pass

        return Handler


def _apply(target: Any, op: str, path: str, value: object) -> None:
    *parents, last = path.strip("/").split("/")
    for name in parents:
        target = target[int(name)] if isinstance(target, list) else target[name]
    if op == "test":
        assert target[last] == value
    else:
        target[last] = value
