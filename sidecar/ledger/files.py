"""The file system as the writer of a log needs it: a port, so that tests can make each call fail.

Whatever returns is durable: it survives a loss of power. Every call raises OSError.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

from sidecar.durable import make_private, sync_folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

VECTOR_LIMIT = 1_024
"""IOV_MAX of Linux: how many buffers one call writes."""


class Files(Protocol):
    """What the appender and the notary may do to files."""

    def open(self, path: Path) -> int:
        """A descriptor whose writes are durable when they return."""
        ...

    def close(self, fd: int) -> None:
        """Gives a descriptor back."""
        ...

    def reserve(self, path: Path, size_bytes: int) -> None:
        """Makes sure that a file has that size and its blocks: made where it is not there, never made smaller."""
        ...

    def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> None:
        """Writes buffers one after the other; returns when all of it is durable."""
        ...

    def truncate(self, path: Path, size_bytes: int) -> None:
        """Cuts a file to a size."""
        ...

    def publish(self, path: Path, content: bytes) -> None:
        """A whole file under its name, in place of what was there: a reader sees the old or the new, never a part."""
        ...

    def move(self, source: Path, target: Path) -> None:
        """Gives a file another name."""
        ...

    def remove(self, path: Path) -> None:
        """Removes a file, if it is there."""
        ...


class OsFiles:
    """The real one, for one thread at a time. Files and folders are for their owner only.

    `draft` is where a file gets its content before its name: outside the ledger, so that what a crash leaves is not
    taken for a part of it.
    """

    def __init__(self, draft: Path) -> None:
        self._draft = draft

    def open(self, path: Path) -> int:
        """See the port. O_DSYNC, for not every build of Python knows RWF_DSYNC (uv's do not)."""
        return os.open(path, os.O_RDWR | os.O_DSYNC)

    def close(self, fd: int) -> None:
        """See the port."""
        os.close(fd)

    def reserve(self, path: Path, size_bytes: int) -> None:
        """See the port."""
        make_private(path.parent)
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.posix_fallocate(fd, 0, size_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)
        sync_folder(path.parent)

    def write(self, fd: int, buffers: Sequence[bytes], offset: int) -> None:
        """See the port. A call that wrote only a part is followed by one for the rest, as POSIX has it."""
        for begin in range(0, len(buffers), VECTOR_LIMIT):
            part = buffers[begin : begin + VECTOR_LIMIT]
            size = sum(map(len, part))
            written = os.pwritev(fd, part, offset)
            if written < size:
                self._write_rest(fd, b"".join(part)[written:], offset + written)
            offset += size

    def _write_rest(self, fd: int, rest: bytes, offset: int) -> None:
        while rest:
            written = os.pwritev(fd, [rest], offset)
            if written == 0:
                raise OSError(f"nothing was written at byte {offset}")
            rest, offset = rest[written:], offset + written

    def truncate(self, path: Path, size_bytes: int) -> None:
        """See the port."""
        fd = self.open(path)
        try:
            os.ftruncate(fd, size_bytes)
            os.fsync(fd)
        finally:
            os.close(fd)

    def publish(self, path: Path, content: bytes) -> None:
        """See the port."""
        make_private(path.parent)
        fd = os.open(self._draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(fd)
        self._draft.replace(path)
        sync_folder(path.parent)

    def move(self, source: Path, target: Path) -> None:
        """See the port."""
        make_private(target.parent)
        source.rename(target)
        sync_folder(target.parent)
        if source.parent != target.parent:
            sync_folder(source.parent)

    def remove(self, path: Path) -> None:
        """See the port."""
        path.unlink(missing_ok=True)
        sync_folder(path.parent)  # or a power loss could bring an old segment back and not its successor
