"""What an image is on this node."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.kubernetes.programs import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class NoImage(Exception):
    """No image of this name is here, or what it is made of is not installed."""


@dataclass(frozen=True, slots=True)
class Image:
    """What an image's configuration says, and what it adds to the host's files, by path in the container."""

    entrypoint: Sequence[str] = ()
    cmd: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])
    user: int = 0
    workdir: str = "/"
    links: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """To programs and folders of the host."""
    contents: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Files that anybody may read and run."""

    def command(self, container_command: Sequence[str], args: Sequence[str]) -> list[str]:
        """What is run: a spec's command drops the image's own, its args only the image's `cmd`."""
        return [*(container_command or self.entrypoint), *(args or ([] if container_command else self.cmd))]

    @property
    def parts(self) -> list[Path]:
        """The host's files of which it is made; the checkout and Python are of each."""
        return [REPOSITORY, Path(sys.executable), *(Path(word) for word in self.entrypoint[:1]), *self.links.values()]

    def add_to(self, root: Path) -> None:
        """Puts its files into a container's root. The folder it works in is anybody's, with all below."""
        for path, source in self.links.items():
            _place(root, path).symlink_to(source)
        for path, content in self.contents.items():
            file = _place(root, path)
            file.write_bytes(content)
            file.chmod(0o755)
        if self.workdir != "/":
            home = root / self.workdir[1:]
            home.mkdir(parents=True, exist_ok=True)
            for folder in (home, *(each for each in home.rglob("*") if each.is_dir() and not each.is_symlink())):
                folder.chmod(0o777)


def _place(root: Path, path: str) -> Path:
    file = root / path[1:]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # the host may have one there
    return file
