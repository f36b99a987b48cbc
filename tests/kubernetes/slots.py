"""Slots: the names and addresses of one cluster, so that clusters of several test processes never meet.

A slot is held by a locked file, which the node holds too: while anything of a cluster lives, its slot is taken. What is
in a free slot was left by a killed run, and is cleared before the slot is used again. That is little: the kernel ends
the processes of a killed run, and with them their mounts and network namespaces (see `tests.kubernetes.node`).
"""

from __future__ import annotations

import fcntl
import ipaddress
import os
import shutil
import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubernetes.programs import SYSTEM_PATH, ClusterError, CommandFailed, run

if TYPE_CHECKING:
    from collections.abc import Generator

SLOTS = 16
CGROUPS = Path("/sys/fs/cgroup")
CLEAR_TIMEOUT_S = 10.0
BENCHMARKING = ipaddress.IPv4Network("198.18.0.0/16")  # RFC 2544: no real network has these addresses
SERVICE_NETWORK = ipaddress.IPv4Network("198.19.0.0/20")  # nothing answers there: no kube-proxy


@dataclass(frozen=True, slots=True)
class Slot:
    """One of the places on this machine where a cluster can be."""

    number: int

    @property
    def bridge(self) -> str:
        """The network device that joins the pods and the host."""
        return f"mps{self.number}"

    @property
    def pod_network(self) -> ipaddress.IPv4Network:
        """4,094 addresses: none is given twice in the life of a cluster."""
        return list(BENCHMARKING.subnets(new_prefix=20))[self.number]

    @property
    def host_address(self) -> str:
        """Of the host as pods see it: the API server listens there."""
        return str(self.pod_network[1])

    @property
    def cgroup(self) -> str:
        """Below which those of all containers are."""
        return f"/model-policy-sidecar-{self.number}"


@contextmanager
def taken_slot() -> Generator[tuple[Slot, int]]:
    """A free slot, cleared, and the file descriptor that holds it. Raises ClusterError where none is free."""
    folder = Path(tempfile.gettempdir()) / "model-policy-sidecar-clusters"
    folder.mkdir(mode=0o700, exist_ok=True)
    taken: tuple[Slot, int] | None = None
    for slot in map(Slot, range(SLOTS)):  # all: what was left anywhere is cleared
        if (lock := _lock(folder / str(slot.number))) is not None:
            clear(slot)
            if taken is None:
                taken = slot, lock
            else:
                os.close(lock)
    if taken is None:
        raise ClusterError(f"{SLOTS} clusters run on this machine already")
    try:
        yield taken
    finally:
        clear(taken[0])
        os.close(taken[1])


def clear(slot: Slot) -> None:
    """Removes what no process holds any more: the bridge and empty cgroups."""
    if (Path("/sys/class/net") / slot.bridge).exists():
        run("ip", "link", "delete", slot.bridge)
        with suppress(CommandFailed):  # the run was killed before it had a rule
            pass_firewall(slot, "--delete")
    roots = [CGROUPS / slot.cgroup[1:], *CGROUPS.glob("*" + slot.cgroup)]  # version 2, and the hierarchies of version 1
    for root in roots:
        for folder in sorted((path for path in root.rglob("*") if path.is_dir()), reverse=True):
            _remove(folder)
        _remove(root)


def pass_firewall(slot: Slot, change: str) -> None:
    """Inserts or deletes a rule: where the host filters bridges, as with Docker, it would drop what pods send."""
    if shutil.which("iptables", path=SYSTEM_PATH):
        rule = ["FORWARD", "-i", slot.bridge, "-o", slot.bridge, "-j", "ACCEPT"]
        run("iptables", "--wait", change, *rule)


def _lock(path: Path) -> int | None:
    lock = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _remove(cgroup: Path) -> None:
    deadline_s = time.monotonic() + CLEAR_TIMEOUT_S
    while cgroup.exists():
        try:
            cgroup.rmdir()
        except OSError:  # the last of its processes is being reaped
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.05)
