"""Containers run by runc, each on an overlay of the host's own file system."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubernetes.node.oci import ROOT
from tests.kubernetes.programs import SYSTEM_PATH, CommandFailed, run, tool

if TYPE_CHECKING:
    from tests.kubernetes.node.api import Json
    from tests.kubernetes.node.image import Image

LAYERS_LIMIT = "8g"  # of memory, for what containers write beside their volumes


@dataclass(frozen=True, slots=True)
class Running:
    """One run of a container, from its start to its end."""

    id: str
    process: subprocess.Popen[bytes]
    folder: Path

    @property
    def has_begun(self) -> bool:
        """Whether the container's own program has been started."""
        return (self.folder / "pid").exists()


class Runtime:
    """Starts containers. In a mount namespace of its own: what it mounts, nobody else sees, and it ends with us."""

    def __init__(self, folder: Path) -> None:
        self._runc = [tool("runc"), f"--root={folder / 'runc'}"]
        self._layers = folder / "layers"
        self._layers.mkdir(parents=True)
        # An overlay's upper layer must not lie in its lower one, which is the whole disk.
        run("mount", "-t", "tmpfs", "-o", f"size={LAYERS_LIMIT}", "layers", str(self._layers))

    def start(self, container_id: str, image: Image, config: Json, log: Path) -> Running:
        """A container by its OCI config, whose output goes to the end of `log`. It runs, or failed to."""
        folder = self._layers / container_id
        _overlay(folder, image)
        (folder / "config.json").write_text(json.dumps(config))
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self._runc, "run", f"--bundle={folder}", f"--pid-file={folder / 'pid'}", container_id],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                env={**os.environ, "PATH": SYSTEM_PATH},
            )
        running = Running(container_id, process, folder)
        while not running.has_begun and process.poll() is None:  # no signal reaches it before
            time.sleep(0.005)
        return running

    def execute(self, running: Running, command: list[str], timeout_s: float) -> bool:
        """Whether a command in the container, as its user, succeeds in time."""
        try:
            done = subprocess.run(
                [*self._runc, "exec", running.id, *command], check=False, capture_output=True, timeout=timeout_s
            )
        except subprocess.TimeoutExpired:
            return False
        return done.returncode == 0

    def signal(self, running: Running, name: str) -> None:
        """To the container's first process; nothing where it has ended."""
        if running.process.poll() is None:
            with suppress(CommandFailed):  # it ended meanwhile
                run(*self._runc, "kill", running.id, name)

    def clean_up(self, running: Running) -> None:
        """After its end."""
        with suppress(CommandFailed):  # as a rule runc has done it itself
            run(*self._runc, "delete", "--force", running.id)
        run("umount", "--lazy", str(running.folder / ROOT))
        shutil.rmtree(running.folder)


def _overlay(folder: Path, image: Image) -> None:
    """The host's files, under what the image adds and the container writes."""
    upper, work, root = (folder / name for name in ("upper", "work", ROOT))
    for each in (folder, upper, work, root):
        each.mkdir()
    upper.chmod(0o755)
    run("mount", "-t", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", "overlay", str(root))
    _open_ways(root, {Path(os.path.realpath(path)) for path in image.parts})
    image.add_to(root)


def _open_ways(root: Path, used: set[Path]) -> None:
    """Any user gets to what images are made of, wherever it is: in the home of root, too."""
    for folder in sorted({parent for path in used for parent in [path, *path.parents]}):
        inside = root / folder.relative_to("/")
        if inside.is_dir() and inside.stat().st_mode & 0o005 != 0o005:
            inside.chmod(inside.stat().st_mode | 0o055)
