"""What a pod's containers have of their pod: its object, network, volumes and environment, and how they start in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubernetes.node.environment import expand
from tests.kubernetes.node.images import find_image
from tests.kubernetes.node.oci import Mount, Process, config
from tests.kubernetes.node.probing import Asker, check_handlers, named_ports
from tests.kubernetes.node.security import security

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.environment import Environment
    from tests.kubernetes.node.network import Sandbox
    from tests.kubernetes.node.runtime import Running, Runtime
    from tests.kubernetes.node.volumes import Volumes

DEFAULT_GRACE_S = 30
HOSTNAME_LIMIT = 63  # of Linux, and of kubelets


@dataclass
class PodHost:
    """`pod` is replaced as the API server's changes."""

    pod: Json
    sandbox: Sandbox
    runtime: Runtime
    volumes: Volumes
    environment: Environment
    folder: Path
    logs: Path
    cgroup: str

    @property
    def grace_s(self) -> float:
        """How long containers may take to end."""
        return self.pod["spec"].get("terminationGracePeriodSeconds", DEFAULT_GRACE_S)

    @property
    def hosts_file(self) -> Path:
        return self.folder / "hosts"

    def log(self, container: str) -> Path:
        """Where its output goes."""
        return self.logs / f"{container}.log"

    def start(self, container: Json, run_number: int) -> Running:
        """Raises NotThere, NotAllowed, NoImage or HandlerUnknown where it cannot start, or not yet."""
        check_handlers(container)
        image = find_image(container["image"])
        allowed = security(self.pod["spec"], container, image.user)
        env = {**image.env, **self.environment.of(container)}
        command, args = ([expand(word, env) for word in container.get(key, [])] for key in ("command", "args"))
        process = Process(image.command(command, args), env, container.get("workingDir", image.workdir))
        container_id = f"{self.sandbox.name}-{container['name']}-{run_number}"
        made = config(
            process,
            allowed,
            hostname=self.pod["metadata"]["name"][:HOSTNAME_LIMIT],
            network=self.sandbox.path,
            cgroup=f"{self.cgroup}/{container_id}",
            limits=container.get("resources", {}).get("limits", {}),
            mounts=_uncovered([*self._own_mounts(), *self.volumes.mounts(container)], image.parts),
        )
        return self.runtime.start(container_id, image, made, self.log(container["name"]))

    def asker(self, container: Json, running: Running) -> Asker:
        """For its probes and hooks."""

        def execute(command: list[str], timeout_s: float) -> bool:
            return self.runtime.execute(running, command, timeout_s)

        return Asker(self.sandbox.address, named_ports(container), execute)

    def _own_mounts(self) -> list[Mount]:
        return [
            Mount(self.hosts_file, "/etc/hosts"),
            Mount(self.folder / "resolv.conf", "/etc/resolv.conf", read_only=True),
        ]


def _uncovered(mounts: list[Mount], parts: list[Path]) -> list[Mount]:
    """The mounts, and over them the parts of the image that one of them would hide: a checkout below /tmp."""
    folders = [Path(mount.destination) for mount in mounts]
    hidden = {part for part in parts if any(folder in part.parents for folder in folders)}
    # What lies in another such part comes with it.
    outer = sorted(part for part in hidden if not hidden & set(part.parents))
    return [*mounts, *(Mount(part, str(part), read_only=True) for part in outer)]
