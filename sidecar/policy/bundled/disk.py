"""Bundles on the disk, as they came: what a sidecar starts from while their server is away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sidecar.durable import replace

if TYPE_CHECKING:
    from pathlib import Path


class Disk:
    """A folder for its owner only, which workers share: files are named by their sequence, and the highest counts, so
    that none lays an older bundle over a newer one. Both calls block and raise OSError.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, limit_bytes: int) -> bytes | None:
        """The newest archive, which is yet to be verified; None where there is none.

        Of a file beyond the limit only so much, which is none.
        """
        kept = self._kept(name)
        if not kept:
            return None
        with kept[max(kept)].open("rb") as file:
            return file.read(limit_bytes + 1)

    def keep(self, name: str, sequence: int | None, archive: bytes) -> None:
        """Durable, and whole, when it returns; older ones go. `sequence` None: it has none, as if it were 0."""
        replace(self._folder / f"{name}@{sequence or 0}.tar.gz", archive)
        *older, _ = sorted(self._kept(name).items())
        for _, path in older:
            path.unlink(missing_ok=True)

    def _kept(self, name: str) -> dict[int, Path]:
        """By sequence. No bundle's name has an @ in it."""
        if not self._folder.exists():
            return {}
        pattern = re.compile(rf"{re.escape(name)}@(\d+)\.tar\.gz")
        found = ((pattern.fullmatch(path.name), path) for path in self._folder.iterdir())
        return {int(match[1]): path for match, path in found if match}
