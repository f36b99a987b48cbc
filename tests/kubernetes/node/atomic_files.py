"""Files of a ConfigMap, Secret, token or downward API volume, changed all at once as kubelets do.

`..data` is a symbolic link to a folder of one version; every file is a link through it: a reader
sees one version whole.
"""

from __future__ import annotations

import itertools
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DATA = "..data"


@dataclass(frozen=True, slots=True)
class FileContent:
    """One file; `group` None is root's."""

    content: bytes
    mode: int
    group: int | None = None


class AtomicFiles:
    """One volume's folder, and what was last written to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._written: Mapping[str, FileContent] | None = None
        self._versions = itertools.count(1)

    def write(self, files: Mapping[str, FileContent]) -> None:
        """By path within the volume. Nothing happens where nothing has changed."""
        if files == self._written:
            return
        old = self._folder / os.readlink(self._folder / DATA) if self._written is not None else None
        version = f"..version_{next(self._versions)}"
        for path, file in files.items():
            _write(self._folder / version / path, file)
        (self._folder / version).mkdir(exist_ok=True)  # of no files at all
        (self._folder / "..data_tmp").symlink_to(version)
        (self._folder / "..data_tmp").rename(self._folder / DATA)
        self._link({path.partition("/")[0] for path in files})
        self._written = dict(files)
        if old is not None:
            shutil.rmtree(old)

    def _link(self, names: set[str]) -> None:
        for entry in self._folder.iterdir():
            if not entry.name.startswith("..") and entry.name not in names:
                entry.unlink()
        for name in names:
            if not (self._folder / name).is_symlink():
                (self._folder / name).symlink_to(f"{DATA}/{name}")


def _write(path: Path, file: FileContent) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.content)
    path.chmod(file.mode)
    if file.group is not None:
        os.chown(path, -1, file.group)
