"""How a guarded pod ends: the model outlives the last request that the sidecar still has in hand.

The kubelet tells all plain containers to end at once, and native sidecars only when those are gone, the last one first.
So the model waits: first for every proxy to learn that the pod is leaving (`drain_s`), then as long as one request may
take. Then it ends, then the sidecar, then OPA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecar.injector.config import InjectorConfig
    from sidecar.injector.shape import Container, Hook, Spec

DEFAULT_GRACE_S = 30
"""Kubernetes' own terminationGracePeriodSeconds."""
GUARD_GRACE_S = 15
"""For the sidecar to bring its records to disk and archive, and OPA to end."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """What changes so that the pod ends in order."""

    hook: Hook | None
    """The serving container's preStop; None where its own stays."""
    grace_s: int
    explained: str


def plan_shutdown(container: Container, spec: Spec, config: InjectorConfig, upstream_timeout_s: int) -> Shutdown:
    """Sleep and grace for the serving container's pod."""
    needed_s = config.drain_s + upstream_timeout_s
    own = (container.get("lifecycle") or {}).get("preStop") or {}
    given = spec.get("terminationGracePeriodSeconds")
    original_s = DEFAULT_GRACE_S if given is None else given
    own_sleep = own.get("sleep")
    if own and not own_sleep:
        grace_s = needed_s + original_s + GUARD_GRACE_S
        return Shutdown(
            None, grace_s, f"its own preStop hook stays, and has to take {needed_s} s; grace is {grace_s} s"
        )
    sleep_s = max(needed_s, own_sleep["seconds"] if own_sleep else 0)
    grace_s = sleep_s + original_s + GUARD_GRACE_S
    told = f"told to end, the model goes on for {sleep_s} s (drain {config.drain_s} s, requests {upstream_timeout_s} s)"
    return Shutdown({"sleep": {"seconds": sleep_s}}, grace_s, f"{told}; grace is {grace_s} s")
