"""OPA's configuration for the four bundles of a registry. Source: OPA's documentation, "Configuration"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.registry.shelf.bundling import NAMES, POLICY

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.bundles.signing import VerifyingKey
    from sidecar.registry.values import Json

MIN_DELAY_S = 1
MAX_DELAY_S = 1
"""Between requests that are not long polling, and at most after one that failed: a registry that is back after a
restart is asked within so long."""
LONG_POLLING_S = 30
"""An error that is over is told as such by the next answer: by then, at the latest."""


@dataclass(frozen=True, slots=True)
class Registry:
    """Where bundles come from. `token_file`: of an `engine` token; `ca_file`: None for the system's authorities."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None


def configuration(registry: Registry, registry_key: VerifyingKey, policy_key: VerifyingKey) -> Json:
    """Each bundle signed for its own name, kept on the disk so that OPA starts without the registry; status on, for
    the sidecar asks for it."""
    return {
        "services": {"registry": _service(registry)},
        "keys": {"registry": _key(registry_key), "policy": _key(policy_key)},
        "bundles": {name: _bundle(name) for name in NAMES},
        "status": {"prometheus": True},
    }


def _service(registry: Registry) -> Json:
    service: Json = {"url": registry.url}
    if registry.token_file is not None:
        service["credentials"] = {"bearer": {"token_path": str(registry.token_file)}}
    if registry.ca_file is not None:
        service["tls"] = {"ca_cert": str(registry.ca_file)}
    return service


def _key(key: VerifyingKey) -> Json:
    return {"algorithm": key.algorithm, "key": key.pem}


def _bundle(name: str) -> Json:
    return {
        "service": "registry",
        "resource": f"v1/bundles/{name}.tar.gz",
        "persist": True,
        "signing": {"keyid": "policy" if name == POLICY else "registry", "scope": name},
        "polling": {
            "min_delay_seconds": MIN_DELAY_S,
            "max_delay_seconds": MAX_DELAY_S,
            "long_polling_timeout_seconds": LONG_POLLING_S,
        },
    }
