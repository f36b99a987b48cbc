"""A `Policy` over signed bundles, as `policy.make` has those over everything else.

In a file of its own: only who has bundles waits for this room's imports.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.policy.bundled.disk import Disk
from sidecar.policy.bundled.source import BundledSource
from sidecar.policy.cross_check import CrossChecked
from sidecar.policy.embedded import EmbeddedEngine
from sidecar.policy.policy import Policy

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.model.clock import Clock
    from sidecar.policy.binding import Regorus
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.bundled.config import BundlesConfig
    from sidecar.policy.cross_check import CrossCheck
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.port import Engine


def bundled_policy(
    bundles: BundlesConfig,
    folder: Path,
    *,
    mode: str,
    timeout_s: float,
    max_age_s: float | None,
    clock: Clock,
    events: PolicyEvents | None = None,
    memory: Memory | None = None,
    check: CrossCheck | None = None,
) -> Policy:
    """regorus in this process over signed bundles; beyond `max_age_s` (None: never) it is `policy_too_old`.

    `folder`: for bundles that persist, unless their file names one. `memory` keeps what is known of them beyond this
    process, `check` holds decisions against another engine's.
    """

    def engine_of(regorus: Regorus, revision: str) -> Engine:
        engine = EmbeddedEngine(regorus, revision, timeout_s=timeout_s, clock=clock)
        return engine if check is None else CrossChecked(engine, check)

    disk = Disk(bundles.folder or folder)
    source = BundledSource(bundles.specs, engine_of, clock, disk=disk, events=events, memory=memory)
    return Policy(source, mode=mode, max_age_s=max_age_s)
