"""Secrets of a few bytes in files of their own: made once, whole, and never overwritten.

Imported by the rooms that keep such a file (subject key, audit salts). Imports nothing of ours.
"""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_or_create(path: Path, size_bytes: int) -> bytes:
    """The file's content; on the first use, random bytes in a new file that only its owner can read.

    Several processes may do this at once and get the same bytes: the file has its whole content before it
    gets its name, and the name is given once. Raises OSError, and ValueError for a file of another size.
    """
    with suppress(FileNotFoundError):
        return _read(path, size_bytes)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(draft, secrets.token_bytes(size_bytes))
        with suppress(FileExistsError):  # another process was first: its bytes count
            os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    _sync_directory(path.parent)
    return _read(path, size_bytes)


def _read(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(size_bytes + 1)
    if len(content) != size_bytes:
        raise ValueError(f"{path} does not hold exactly {size_bytes} bytes")
    return content


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
