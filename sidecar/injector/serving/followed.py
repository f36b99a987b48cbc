"""A file whose content may change while we run, as that of a volume of Kubernetes: the last good content holds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.model.clock import Clock

T = TypeVar("T")

LOOK_S = 1.0

logger = logging.getLogger("sidecar.injector")


class ContentInvalid(Exception):
    """A file's content is no good; `problems` has all that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Followed(Generic[T]):
    """What `read` makes of a file, looked at once a second at most. A change that is no good is told, and not taken."""

    def __init__(self, path: Path, read: Callable[[Path], T], clock: Clock) -> None:
        """Raises `ContentInvalid`, as `read` does."""
        self._path = path
        self._read = read
        self._clock = clock
        self._looked_s = clock.monotonic_s()
        self._seen = _stamp(path)
        self._value = read(path)
        self._problems: list[str] = []

    @property
    def value(self) -> T:
        """The last good content."""
        self._look()
        return self._value

    @property
    def problems(self) -> list[str]:
        """What is wrong with the newest content."""
        self._look()
        return self._problems

    def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        if now_s - self._looked_s < LOOK_S:
            return
        self._looked_s = now_s
        stamp = _stamp(self._path)
        if stamp == self._seen:
            return
        self._seen = stamp  # taken before the file is read: what changes meanwhile is seen at the next look
        try:
            self._value = self._read(self._path)
        except ContentInvalid as invalid:
            self._problems = [f"{problem}; what it was before goes on" for problem in invalid.problems]
            logger.error("%s: the content of before goes on: %s", self._path, invalid)  # noqa: TRY400 - it says it all
        else:
            self._problems = []
            logger.info("%s: the new content holds", self._path)


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Follows links: a volume changes by a link to another folder."""
    try:
        seen = path.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
