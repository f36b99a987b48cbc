"""Security contexts: a container's own over its pod's over the image's, as the OCI runtime takes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Json

DEFAULT_CAPABILITIES = frozenset(
    (
        "CHOWN",
        "DAC_OVERRIDE",
        "FSETID",
        "FOWNER",
        "MKNOD",
        "NET_RAW",
        "SETGID",
        "SETUID",
        "SETFCAP",
        "SETPCAP",
        "NET_BIND_SERVICE",
        "SYS_CHROOT",
        "KILL",
        "AUDIT_WRITE",
    )
)
"""What container engines leave to a container that names none."""
ALL_CAPABILITIES = DEFAULT_CAPABILITIES | frozenset(
    ("SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "DAC_READ_SEARCH", "SYS_TIME")
)
DENIED_CALLS = [
    "add_key",
    "bpf",
    "delete_module",
    "finit_module",
    "fsmount",
    "fsopen",
    "init_module",
    "kexec_load",
    "keyctl",
    "mount",
    "move_mount",
    "open_by_handle_at",
    "perf_event_open",
    "pivot_root",
    "ptrace",
    "reboot",
    "request_key",
    "setns",
    "settimeofday",
    "swapon",
    "umount2",
    "unshare",
    "userfaultfd",
]
"""Some of what engines' RuntimeDefault denies: enough that a program which needs one is found out."""


class NotAllowed(Exception):
    """The container must not run like this: its own security context forbids it."""


@dataclass(frozen=True, slots=True)
class Security:
    """What the runtime enforces."""

    uid: int
    gid: int
    groups: tuple[int, ...]
    capabilities: frozenset[str]
    no_new_privileges: bool
    read_only_root: bool
    is_confined: bool
    is_privileged: bool


def security(pod_spec: Json, container: Json, image_user: int) -> Security:
    """Raises NotAllowed, as a kubelet refuses root where `runAsNonRoot` stands."""
    pod = pod_spec.get("securityContext", {})
    own = {**pod, **container.get("securityContext", {})}
    uid = own.get("runAsUser", image_user)
    if own.get("runAsNonRoot") and uid == 0:
        raise NotAllowed("container has runAsNonRoot and image will run as root")
    privileged = bool(own.get("privileged"))
    groups = [*pod.get("supplementalGroups", []), *([pod["fsGroup"]] if "fsGroup" in pod else [])]
    return Security(
        uid=uid,
        gid=own.get("runAsGroup", 0),
        groups=tuple(groups),
        capabilities=ALL_CAPABILITIES if privileged else _capabilities(own.get("capabilities", {})),
        no_new_privileges=own.get("allowPrivilegeEscalation") is False,
        read_only_root=bool(own.get("readOnlyRootFilesystem")),
        is_confined=not privileged and own.get("seccompProfile", {}).get("type") == "RuntimeDefault",
        is_privileged=privileged,
    )


def seccomp() -> Json:
    """The profile of confined containers."""
    denied = {"names": DENIED_CALLS, "action": "SCMP_ACT_ERRNO", "errnoRet": 1}
    return {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [denied]}


def _capabilities(asked: Json) -> frozenset[str]:
    drop, add = ({name.removeprefix("CAP_") for name in asked.get(key, [])} for key in ("drop", "add"))
    left = frozenset[str]() if "ALL" in drop else DEFAULT_CAPABILITIES - drop
    return left | (ALL_CAPABILITIES if "ALL" in add else add)
