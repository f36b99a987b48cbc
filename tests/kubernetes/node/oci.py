"""A container as the OCI runtime specification writes it (config.json, version 1.0)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.kubernetes.node.quantities import in_units
from tests.kubernetes.node.security import seccomp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.security import Security

CPU_PERIOD_US = 100_000
ROOT = "root"
MASKED = [
    "/proc/acpi",
    "/proc/kcore",
    "/proc/keys",
    "/proc/timer_list",
    "/proc/sched_debug",
    "/proc/scsi",
    "/sys/firmware",
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of the host, bound into a container."""

    source: Path
    destination: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """What runs."""

    command: Sequence[str]
    env: Mapping[str, str]
    workdir: str


def config(
    process: Process,
    security: Security,
    *,
    hostname: str,
    network: Path,
    cgroup: str,
    limits: Mapping[str, str],
    mounts: Sequence[Mount],
) -> Json:
    """`network` is the path of its network namespace. Its file system is the folder `root` beside the config.json."""
    linux: Json = {
        "cgroupsPath": cgroup,
        "resources": {"devices": [{"allow": False, "access": "rwm"}], **_resources(limits)},
        "namespaces": [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        + [{"type": "network", "path": str(network)}],
    }
    if not security.is_privileged:
        linux |= {"maskedPaths": MASKED, "readonlyPaths": READ_ONLY}
    if security.is_confined:
        linux["seccomp"] = seccomp()
    return {
        "ociVersion": "1.0.2",
        "process": _process(process, security),
        "root": {"path": ROOT, "readonly": security.read_only_root},
        "hostname": hostname,
        "mounts": [*_system_mounts(), *map(_bind, mounts)],
        "linux": linux,
    }


def _process(process: Process, security: Security) -> Json:
    capabilities = [f"CAP_{name}" for name in sorted(security.capabilities)]
    return {
        "args": list(process.command),
        "env": [f"{name}={value}" for name, value in process.env.items()],
        "cwd": process.workdir,
        "user": {"uid": security.uid, "gid": security.gid, "additionalGids": list(security.groups)},
        "capabilities": dict.fromkeys(("bounding", "effective", "permitted"), capabilities),
        "noNewPrivileges": security.no_new_privileges,
    }


def _resources(limits: Mapping[str, str]) -> Json:
    found: Json = {}
    if "memory" in limits:
        found["memory"] = {"limit": in_units(limits["memory"], "1")}
    if "cpu" in limits:
        found["cpu"] = {"period": CPU_PERIOD_US, "quota": in_units(limits["cpu"], "1m") * CPU_PERIOD_US // 1000}
    return found


def _system_mounts() -> list[Json]:
    return [
        {"destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"]},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=65536k"]},
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
        },
        {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["nosuid", "nodev", "mode=1777"]},
        {"destination": "/sys", "type": "sysfs", "source": "sysfs", "options": ["nosuid", "noexec", "nodev", "ro"]},
    ]


def _bind(mount: Mount) -> Json:
    options = ["rbind", "rprivate", "ro" if mount.read_only else "rw"]
    return {"destination": mount.destination, "type": "bind", "source": str(mount.source), "options": options}
