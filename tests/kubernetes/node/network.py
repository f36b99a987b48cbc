"""A bridge, and a network namespace of its own for each pod."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubernetes.programs import run
from tests.kubernetes.slots import pass_firewall

if TYPE_CHECKING:
    from tests.kubernetes.slots import Slot

NAMESPACES = Path("/run/netns")
FIRST_POD = 16  # of the network's addresses; the first is the host's


@dataclass(frozen=True, slots=True)
class Sandbox:
    """One pod's network: its address, and the path of its namespace."""

    name: str
    address: str

    @property
    def path(self) -> Path:
        return NAMESPACES / self.name


class Network:
    """Makes the bridge, makes and removes sandboxes. Where we end first, the kernel removes all but the bridge."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._numbers = itertools.count(FIRST_POD)
        self._lock = threading.Lock()
        # In our own mount namespace: what `ip netns` keeps there is seen by nobody else.
        NAMESPACES.mkdir(exist_ok=True)
        run("mount", "-t", "tmpfs", "netns", str(NAMESPACES))
        address = f"{slot.host_address}/{slot.pod_network.prefixlen}"
        _ip(
            f"link add {slot.bridge} type bridge",
            f"address add {address} dev {slot.bridge}",
            f"link set {slot.bridge} up",
        )
        pass_firewall(slot, "--insert")

    def new_sandbox(self) -> Sandbox:
        """With an address that no pod had before."""
        with self._lock:
            number = next(self._numbers)
        sandbox = Sandbox(f"pod{number}", str(self._slot.pod_network[number]))
        outside = f"{self._slot.bridge}-{number}"
        _ip(
            f"netns add {sandbox.name}",
            f"link add {outside} type veth peer name eth0 netns {sandbox.name}",
            f"link set {outside} master {self._slot.bridge} up",
        )
        _ip(
            "link set lo up",
            f"address add {sandbox.address}/{self._slot.pod_network.prefixlen} dev eth0",
            "link set eth0 up",
            f"route add default via {self._slot.host_address}",
            namespace=sandbox.name,
        )
        return sandbox

    def remove(self, sandbox: Sandbox) -> None:
        """Whoever connects to its address from now on finds no host there."""
        _ip(f"netns delete {sandbox.name}")


def _ip(*commands: str, namespace: str = "") -> None:
    run("ip", *(["-netns", namespace] if namespace else []), "-batch", "-", stdin="\n".join(commands))
