"""A pod's status as its containers stand, as a kubelet would report it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.kubernetes.node.order import Role, Stage, is_initialized

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.container import Container

OWN_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "ContainersReady", "Ready")


def container_status(container: Container, *, will_restart: bool) -> Json:
    """One entry of `containerStatuses`."""
    state, spec = container.state, container.spec
    is_done = container.role is Role.INIT and container.standing.has_succeeded
    found: Json = {
        "name": spec["name"],
        "image": spec["image"],
        "imageID": spec["image"],
        "ready": is_done or state.is_ready,
        "started": state.is_started,
        "restartCount": state.restarts,
        "state": _state(container, will_restart=will_restart),
    }
    if state.last and "terminated" not in found["state"]:
        found["lastState"] = {"terminated": state.last}
    return found


def pod_status(
    containers: Sequence[Container], *, phase: str | None, will_restart: Sequence[int], address: str, host_address: str
) -> Json:
    """All of a status but times. `phase`: how the pod has ended, else None."""
    statuses = [container_status(each, will_restart=place in will_restart) for place, each in enumerate(containers)]
    standings = [each.standing for each in containers]
    initialized = is_initialized(standings)
    serving = [each for each in containers if each.role is not Role.INIT]
    ready = phase is None and initialized and all(each.state.is_ready for each in serving)
    unready = [each.spec["name"] for each in serving if not each.state.is_ready]
    truths = dict(zip(OWN_CONDITIONS, (bool(address), initialized, ready, ready), strict=True))
    early = sum(each.role is not Role.MAIN for each in containers)
    found: Json = {
        "phase": phase or ("Running" if initialized and _have_begun(containers) else "Pending"),
        "hostIP": host_address,
        "hostIPs": [{"ip": host_address}],
        "conditions": [_condition(kind, is_true=truth, unready=unready) for kind, truth in truths.items()],
        "initContainerStatuses": statuses[:early],
        "containerStatuses": statuses[early:],
    }
    return {**found, "podIP": address, "podIPs": [{"ip": address}]} if address else found


def _have_begun(containers: Sequence[Container]) -> bool:
    return any(each.role is Role.MAIN and each.state.stage is not Stage.WAITING for each in containers)


def _state(container: Container, *, will_restart: bool) -> Json:
    state = container.state
    if state.stage is Stage.RUNNING:
        return {"running": {"startedAt": state.started}}
    if state.stage is Stage.ENDED and not will_restart:
        return {"terminated": state.last}
    reason = "CrashLoopBackOff" if state.stage is Stage.ENDED else state.reason
    return {"waiting": {"reason": reason, "message": state.message}}


def _condition(kind: str, *, is_true: bool, unready: Sequence[str]) -> Json:
    found = {"type": kind, "status": "True" if is_true else "False", "reason": None, "message": None}
    if not is_true and kind in {"ContainersReady", "Ready"}:
        found |= {"reason": "ContainersNotReady", "message": f"not ready: {', '.join(unready)}"}
    return found  # what is None, a patch removes
