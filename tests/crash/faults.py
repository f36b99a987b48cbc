"""A disk that fails, for a real sidecar: `sidecar` with the file port of its log wrapped.

    python -m tests.crash.faults FAULT CALL SEED run --upstream …

The fault strikes at the port's call number CALL (from 1; all calls count, those of the start too); SEED decides how.
What was reported as done before is done.
"""

from __future__ import annotations

import enum
import errno
import itertools
import os
import random
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from sidecar.ledger import files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SECTOR_BYTES = 512
"""What a disk writes whole, or not at all; in which order is its own affair."""


class Fault(enum.StrEnum):
    """How the disk fails."""

    EIO = "eio"  # once; later calls succeed, as they do after a failed fsync
    ENOSPC = "enospc"  # once
    SHORT = "short"  # from there on the system writes less than it is given, which is no error
    POWER = "power"  # the process is gone, with any part of the call done
    LIES = "lies"  # from there on it says that records are written, and writes none


class Trouble:
    """Says when the fault strikes; shared by all files of the process."""

    def __init__(self, fault: Fault, call: int, seed: int) -> None:
        self.fault = fault
        self.random = random.Random(seed)
        self._call = call
        self._calls = itertools.count(1)  # its `next` is atomic: the log has several threads

    def strikes(self) -> bool:
        """To be asked once a call."""
        number = next(self._calls)
        lasts = self.fault in (Fault.SHORT, Fault.LIES)
        return number == self._call or (lasts and number > self._call)


def _nothing() -> None:
    pass


class FaultyFiles(files.OsFiles):
    """The real files, and `trouble` with them."""

    trouble: Trouble

    def reserve(self, path: Path, size_bytes: int) -> None:
        self._go("reserve", lambda: super(FaultyFiles, self).reserve(path, size_bytes))

    def truncate(self, path: Path, size_bytes: int) -> None:
        self._go("truncate", lambda: super(FaultyFiles, self).truncate(path, size_bytes))

    def publish(self, path: Path, content: bytes) -> None:
        self._go("publish", lambda: super(FaultyFiles, self).publish(path, content))

    def move(self, source: Path, target: Path) -> None:
        self._go("move", lambda: super(FaultyFiles, self).move(source, target))

    def remove(self, path: Path) -> None:
        self._go("remove", lambda: super(FaultyFiles, self).remove(path))

    def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> None:
        def write() -> None:
            super(FaultyFiles, self).write(fd, buffers, offset)

        self._go("write", write, lambda: self._write_part(fd, b"".join(buffers), offset))

    def _go(self, what: str, call: Callable[[], None], in_part: Callable[[], None] = _nothing) -> None:
        fault, strikes = self.trouble.fault, self.trouble.strikes()
        if not strikes or (fault is Fault.LIES and what != "write"):
            call()
        elif fault is Fault.SHORT:
            with _ShortWrites(self.trouble.random):
                call()
        elif fault is not Fault.LIES:
            self.trouble.random.choice([call, in_part])()
            self._fail(what)

    def _fail(self, what: str) -> NoReturn:
        print(f"{self.trouble.fault} at {what}", file=sys.stderr, flush=True)
        if self.trouble.fault is Fault.POWER:
            os.kill(os.getpid(), signal.SIGKILL)
        number = errno.ENOSPC if self.trouble.fault is Fault.ENOSPC else errno.EIO
        raise OSError(number, os.strerror(number))

    def _write_part(self, fd: int, data: bytes, offset: int) -> None:
        """Some of its sectors."""
        done = 0
        while done < len(data):
            size = SECTOR_BYTES - (offset + done) % SECTOR_BYTES
            if self.trouble.random.random() < 0.5:
                os.pwrite(fd, data[done : done + size], offset + done)
            done += size


class _ShortWrites:
    """Within it, `os.pwritev` writes a random part of what it is given."""

    def __init__(self, seeded: random.Random) -> None:
        self._random = seeded
        self._real = os.pwritev

    def __enter__(self) -> None:
        os.pwritev = self._pwritev

    def __exit__(self, *_: object) -> None:
        os.pwritev = self._real

    def _pwritev(self, fd: int, buffers: Sequence[bytes], offset: int, flags: int = 0) -> int:
        data = b"".join(buffers)
        return self._real(fd, [data[: self._random.randint(1, len(data))]], offset, flags)


def main(fault: str, call: str, seed: str, *arguments: str) -> None:
    """Runs `sidecar ARGUMENTS`."""
    FaultyFiles.trouble = Trouble(Fault(fault), int(call), int(seed))
    files.OsFiles = FaultyFiles  # type: ignore[misc]  # before the modules that use it are imported

    from sidecar.cli import main as sidecar

    sidecar(arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
