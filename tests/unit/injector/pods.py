"""Pods and configurations that the tests of the injector share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from sidecar.injector.config import InjectorConfig

MANIFESTS = Path(__file__).parent / "manifests"
CA = "-----BEGIN CERTIFICATE-----\nexample\n-----END CERTIFICATE-----\n"

CONFIG = InjectorConfig.model_validate(
    {
        "sidecar_image": "registry.example/model-policy-sidecar:1.0.0",
        "opa_config": "services: {}\n",
        "settings": {
            "consent_keys": "/etc/model-policy-sidecar/secrets/jwks.json",
            "consent_issuer": "https://idp.example",
            "consent_audience": "credit",
        },
    }
)


def config(**changed: object) -> InjectorConfig:
    return InjectorConfig.model_validate({**CONFIG.model_dump(), **changed})


def manifest(name: str) -> dict[str, Any]:
    return yaml.safe_load((MANIFESTS / f"{name}.yaml").read_text())


def triton(**changed: object) -> dict[str, Any]:
    """A container."""
    return {
        "name": "triton",
        "image": "nvcr.io/nvidia/tritonserver:26.07-py3",
        "args": ["tritonserver", "--model-repository=/models"],
        "ports": [{"name": "http", "containerPort": 8000}],
        **changed,
    }


def mlserver(**changed: object) -> dict[str, Any]:
    """A container."""
    return {"name": "mlserver", "image": "seldonio/mlserver:1.7.1", **changed}


def pod(*containers: dict[str, Any], annotations: dict[str, str] | None = None, **spec: object) -> dict[str, Any]:
    metadata = {"name": "credit", "annotations": annotations} if annotations is not None else {"name": "credit"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": list(containers), **spec}}
