"""Files that others replace while we run: has any of them changed?

Belongs here: seeing a change. What the new content means, and what goes on where it is no good, is for who reads it.
Imports nothing of ours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class FileChanges:
    """Looks at some files when asked, but not more often than every `every_s`.

    Seen are new content, a new file in the old one's place, a file that comes or goes, and a link that leads elsewhere:
    a volume of Kubernetes changes by a link to another folder.
    """

    def __init__(self, paths: Sequence[Path], every_s: float, monotonic_s: Callable[[], float]) -> None:
        """What is there now counts as seen. Read the files after this: what changes meanwhile is then told."""
        self._paths = tuple(paths)
        self._every_s = every_s
        self._monotonic_s = monotonic_s
        self._looked_s = monotonic_s()
        self._seen = self._stamps()

    def seen(self) -> bool:
        """Whether there is a change that was not told yet. Each is told once, be the new content good or not."""
        now_s = self._monotonic_s()
        if now_s - self._looked_s < self._every_s:
            return False
        self._looked_s = now_s
        before, self._seen = self._seen, self._stamps()
        return before != self._seen

    def _stamps(self) -> list[tuple[int, ...] | None]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> tuple[int, ...] | None:
    """What tells one version of a file from another; None where it cannot be seen now."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
