"""A `Policy` for each kind of engine, from the words of the settings. What only another kind needs is not loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.policy.policy import Policy
from sidecar.policy.watch import DirectorySource

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from sidecar.http1.target import Target
    from sidecar.model.clock import Clock
    from sidecar.policy.bundle_memory import Memory
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.watch import Keeper


def embedded_policy(
    root: Path,
    data_file: Path | None,
    *,
    mode: str,
    timeout_s: float,
    clock: Clock,
    events: PolicyEvents | None = None,
    keeper: Keeper | None = None,
) -> Policy:
    """regorus in this process over a directory, which is watched; `keeper` gets each policy before it decides."""
    from sidecar.policy.embedded import EmbeddedMaker  # noqa: PLC0415

    maker = EmbeddedMaker(timeout_s=timeout_s, clock=clock)
    source = DirectorySource(root, data_file, maker, clock, events=events, keeper=keeper)
    return Policy(source, mode=mode, max_age_s=None)


def child_policy(
    binary: Path,
    root: Path,
    data_file: Path | None,
    *,
    mode: str,
    timeout_s: float,
    clock: Clock,
    events: PolicyEvents | None = None,
    keeper: Keeper | None = None,
) -> Policy:
    """OPA as a child process over a directory, which is watched; `keeper` gets each policy before it decides."""
    from sidecar.policy.child import ChildMaker  # noqa: PLC0415

    maker = ChildMaker(binary, timeout_s=timeout_s, clock=clock, events=events)
    source = DirectorySource(root, data_file, maker, clock, events=events, keeper=keeper)
    return Policy(source, mode=mode, max_age_s=None)


def remote_policy(
    target: Target,
    *,
    mode: str,
    timeout_s: float,
    max_age_s: float | None,
    clock: Clock,
    events: PolicyEvents | None = None,
    memory: Memory | None = None,
    ssl_context: ssl.SSLContext | None = None,
) -> Policy:
    """A running OPA that has its policy from bundles; beyond `max_age_s` (None: never) it is `policy_too_old`.

    `memory` keeps what is known of the bundles beyond this process.
    """
    from sidecar.policy.opa import OpaClient  # noqa: PLC0415
    from sidecar.policy.remote import STATUS_S, RemoteSource  # noqa: PLC0415

    client = OpaClient(target, clock, ssl_context=ssl_context)
    source = RemoteSource(
        client,
        clock,
        timeout_s=timeout_s,
        events=events,
        memory=memory,
        status_s=STATUS_S if max_age_s is None else min(STATUS_S, max_age_s / 4),
        ages_matter=max_age_s is not None,
    )
    return Policy(source, mode=mode, max_age_s=max_age_s)
