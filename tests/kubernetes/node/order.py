"""In which order containers start and stop: decisions alone, from what stands.

Init containers run one after the other, each to success. A sidecar (an init container with `restartPolicy: Always`)
only has to have started, its startup probe passed. Then the others start, all at once. At the end the others stop
first, then the sidecars, last first.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.kubernetes.node.api import Json


class Role(Enum):
    """What a container is to its pod."""

    INIT = "init"
    SIDECAR = "sidecar"
    MAIN = "main"


class Stage(Enum):
    """Where one is in its life."""

    WAITING = "waiting"
    RUNNING = "running"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Standing:
    """One container at one time. `is_started`: it runs, and its startup probe has passed."""

    role: Role
    stage: Stage
    is_started: bool = False
    exit_code: int = 0

    @property
    def has_succeeded(self) -> bool:
        return self.stage is Stage.ENDED and self.exit_code == 0

    @property
    def has_failed(self) -> bool:
        return self.stage is Stage.ENDED and self.exit_code != 0


def roles(spec: Json) -> list[tuple[Role, Json]]:
    """The containers of a pod's spec, in the order of their start."""
    early = [
        (Role.SIDECAR if each.get("restartPolicy") == "Always" else Role.INIT, each)
        for each in spec.get("initContainers", [])
    ]
    return [*early, *((Role.MAIN, each) for each in spec["containers"])]


def to_start(pod: Sequence[Standing], restart_policy: str) -> list[int]:
    """Which containers to start now, by their place; those that ended are started again where the policy says so."""
    found: list[int] = []
    for place, each in enumerate(pod):
        if each.stage is not Stage.RUNNING and _runs_again(each, restart_policy):
            found.append(place)
        if each.role is not Role.MAIN and not _lets_pass(each, pod):
            break
    return found


def is_initialized(pod: Sequence[Standing]) -> bool:
    """Whether the main containers may start, or have done so."""
    return all(_lets_pass(each, pod) for each in pod if each.role is not Role.MAIN)


def outcome(pod: Sequence[Standing], restart_policy: str) -> str | None:
    """`Succeeded` or `Failed` once no container but sidecars will run again, else None."""
    if restart_policy == "Never" and any(each.role is Role.INIT and each.has_failed for each in pod):
        return "Failed"
    main = [each for each in pod if each.role is Role.MAIN]
    if any(each.stage is not Stage.ENDED or _runs_again(each, restart_policy) for each in main):
        return None
    return "Failed" if any(each.has_failed for each in main) else "Succeeded"


def stops_before(pod: Sequence[Standing], place: int) -> list[int]:
    """Which containers must have ended before this one is asked to."""
    if pod[place].role is not Role.SIDECAR:
        return []
    later = range(place + 1, len(pod))
    return [other for other in later if pod[other].role is not Role.INIT]


def _runs_again(each: Standing, restart_policy: str) -> bool:
    if each.stage is Stage.WAITING or each.role is Role.SIDECAR:
        return True
    if each.role is Role.INIT or restart_policy == "OnFailure":
        return each.has_failed and restart_policy != "Never"
    return restart_policy == "Always"


def _lets_pass(each: Standing, pod: Sequence[Standing]) -> bool:
    """Whether the next container may start. Nothing is held up again once the main containers have begun."""
    if any(other.role is Role.MAIN and other.stage is not Stage.WAITING for other in pod):
        return True
    return each.is_started if each.role is Role.SIDECAR else each.has_succeeded
