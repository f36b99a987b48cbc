"""A file whose content may change while we run, as that of a volume of Kubernetes: the last good content holds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Generic, TypeVar

from sidecar.file_changes import FileChanges

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
        self._changes = FileChanges([path], LOOK_S, clock.monotonic_s)
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
        if not self._changes.seen():
            return
        try:
            self._value = self._read(self._path)
        except ContentInvalid as invalid:
            self._problems = [f"{problem}; what it was before goes on" for problem in invalid.problems]
            logger.error("%s: the content of before goes on: %s", self._path, invalid)  # noqa: TRY400 - it says it all
        else:
            self._problems = []
            logger.info("%s: the new content holds", self._path)
