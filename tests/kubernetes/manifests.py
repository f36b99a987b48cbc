"""Manifests of tests, short where the tests do not care."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

WEB = str(Path(__file__).resolve().with_name("web.py"))
POD_IP = {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
HARDENED = {
    "runAsNonRoot": True,
    "runAsUser": 65532,
    "runAsGroup": 65532,
    "readOnlyRootFilesystem": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


def web(name: str, *flags: str, listen: str = "$(POD_IP):8080", **fields: Any) -> dict[str, Any]:
    """A container of `web.py`."""
    args = [WEB, f"--listen={listen}", *flags]
    return {"name": name, "image": "python:3", "command": ["python"], "args": args, "env": [POD_IP], **fields}


def program(name: str, text: str, **fields: Any) -> dict[str, Any]:
    """A container of a short Python program."""
    return {"name": name, "image": "python:3", "args": ["python", "-c", text], **fields}


def http(path: str = "/health", *, port: int | str = 8080, **fields: Any) -> dict[str, Any]:
    """A probe each second."""
    return {"httpGet": {"path": path, "port": port}, "periodSeconds": 1, **fields}


def pod(name: str, *containers: dict[str, Any], labels: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    """A pod; `spec` has what is beside its containers."""
    metadata = {"name": name, "labels": labels or {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": list(containers), **spec}}


def deployment(name: str, *containers: dict[str, Any], replicas: int = 1, **spec: Any) -> dict[str, Any]:
    """Whose pods have the label `app`."""
    made = pod(name, *containers, **spec)
    template = {"metadata": {"labels": {"app": name}}, "spec": made["spec"]}
    selector = {"matchLabels": {"app": name}}
    rest = {"replicas": replicas, "selector": selector, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": rest}


def service(name: str, port: int, target_port: int) -> dict[str, Any]:
    """Of the pods with the label `app`."""
    spec = {"selector": {"app": name}, "ports": [{"port": port, "targetPort": target_port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def webhook(namespace: str, ca: bytes) -> dict[str, Any]:
    """Asks the Service `hook` about ConfigMaps of its namespace."""
    reference = {"namespace": namespace, "name": "hook", "path": "/review"}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    judged = {
        "name": "hook.example.org",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "rules": [rule],
        "clientConfig": {"service": reference, "caBundle": base64.b64encode(ca).decode()},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
    }
    meta = {"name": "hook"}
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    return {**kind, "metadata": meta, "webhooks": [judged]}
