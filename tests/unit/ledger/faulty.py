"""The file port with faults: a call that fails, a world that stops, a disk that is full, writes in parts."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sidecar.ledger.files import OsFiles

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")


class Call(NamedTuple):
    """One call of the port: its name, and that of the file where the call names one."""

    name: str
    file: str


class Stopped(BaseException):
    """The process was killed: no `except` of the code under test may catch this."""


def os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


class FaultyFiles:
    """The real files; `before` and `after` are told of each call and may raise. `calls` has all that were begun."""

    def __init__(self, draft: Path) -> None:
        self._real = OsFiles(draft)
        self.calls: list[Call] = []
        self.before: Callable[[Call], None] = lambda call: None
        self.after: Callable[[Call], None] = lambda call: None

    def open(self, path: Path) -> int:
        return self._do(Call("open", path.name), lambda: self._real.open(path))

    def close(self, fd: int) -> None:
        self._real.close(fd)  # the kernel does this for a process that was killed, too

    def reserve(self, path: Path, size_bytes: int) -> None:
        self._do(Call("reserve", path.name), lambda: self._real.reserve(path, size_bytes))

    def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> None:
        self._do(Call("write", ""), lambda: self._real.write(fd, buffers, offset))

    def truncate(self, path: Path, size_bytes: int) -> None:
        self._do(Call("truncate", path.name), lambda: self._real.truncate(path, size_bytes))

    def publish(self, path: Path, content: bytes) -> None:
        self._do(Call("publish", path.name), lambda: self._real.publish(path, content))

    def move(self, source: Path, target: Path) -> None:
        self._do(Call("move", target.name), lambda: self._real.move(source, target))

    def remove(self, path: Path) -> None:
        self._do(Call("remove", path.name), lambda: self._real.remove(path))

    def _do(self, call: Call, action: Callable[[], T]) -> T:
        self.calls.append(call)
        self.before(call)
        result = action()
        self.after(call)
        return result


class Stop:
    """Stops the world at call `number` (from 0), before or after it; nothing happens from then on."""

    def __init__(self, files: FaultyFiles, number: int, *, is_after: bool) -> None:
        self._files = files
        self._number = number
        self.happened = False
        if is_after:
            files.after = self._check
        files.before = self._check_before if is_after else self._check

    def _check(self, call: Call) -> None:
        if self.happened or len(self._files.calls) > self._number:
            self.happened = True
            raise Stopped(call)

    def _check_before(self, call: Call) -> None:
        if self.happened:
            raise Stopped(call)


class Fail:
    """Fails the calls that `which` picks, as long as `is_on`, with an error number, before they do anything."""

    def __init__(self, files: FaultyFiles, which: Callable[[Call], bool], number: int = errno.EIO) -> None:
        self._which = which
        self._number = number
        self.is_on = True
        self.count = 0
        files.before = self._check

    def _check(self, call: Call) -> None:
        if self.is_on and self._which(call):
            self.count += 1
            raise os_error(self._number)
