"""The embedded engine over the bundles of a deployment, beside an OPA that gets the very same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from sidecar.policy.bundled.config import load_config
from sidecar.policy.bundled.disk import Disk
from sidecar.policy.bundled.source import BundledSource
from sidecar.policy.embedded import EmbeddedEngine
from sidecar.policy.policy import Policy
from tests.bundles import MAX_AGE_S, ROOTS, Deployment, key

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.binding import Regorus
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.events import PolicyEvents


def document(url: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """A good file for the bundles of `tests.bundles`, fit for OPA too; `changes` replace members of each bundle."""
    bundles = {
        name: {
            "service": "registry",
            "resource": f"{name}.tar.gz",
            "persist": True,
            "polling": {"min_delay_seconds": 1, "max_delay_seconds": 1, "long_polling_timeout_seconds": 2},
            "signing": {"keyid": "ours", "scope": name},
        }
        | changes
        for name in ROOTS
    }
    return {
        "services": {"registry": {"url": url}},
        "keys": {"ours": {"algorithm": "ES256", "key": key("ours")[1].decode()}},
        "bundles": bundles,
        "persistence_directory": str(folder / "kept"),
        "status": {"prometheus": True},
    }


def config_file(folder: Path, url: str, **changes: Any) -> Path:
    """The same, on the disk."""
    path = folder / "bundles.yaml"
    path.write_text(yaml.safe_dump(document(url, folder, **changes)))
    return path


def embedded(
    it: Deployment,
    memory: Memory | None = None,
    events: PolicyEvents | None = None,
    *,
    start_wait_s: float = 20,
    **changes: Any,
) -> Policy:
    """A sidecar with the embedded engine; to be started and closed."""
    config = load_config(config_file(it.folder, f"http://127.0.0.1:{it.registry.port}", **changes))

    def engine_of(regorus: Regorus, revision: str) -> EmbeddedEngine:
        return EmbeddedEngine(regorus, revision, timeout_s=5, clock=it.clock)

    source = BundledSource(
        config.specs,
        engine_of,
        it.clock,
        disk=Disk(config.folder or it.folder),
        events=events,
        memory=memory,
        start_wait_s=start_wait_s,
    )
    return Policy(source, mode="enforce", max_age_s=MAX_AGE_S)
