"""Files and folders that outlive a loss of power: a file is whole before it gets its name.

Belongs here: what several rooms that keep files need. Imports nothing of ours. Every call raises OSError.
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
    from pathlib import Path


def create_once(path: Path, content: bytes, mode: int = 0o600) -> bool:
    """Gives a new file a name that is free; False where another process was first: then its content counts.

    Durable when it returns, whoever made it.
    """
    with draft(path, [content], mode) as whole:
        try:
            path.hardlink_to(whole)  # unlike a rename, it never replaces
        except FileExistsError:
            made = False
        else:
            made = True
    sync_folder(path.parent)
    return made


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A whole file under its name, in place of what was there: a reader sees the old or the new, never a part."""
    with draft(path, [content], mode) as whole:
        whole.replace(path)
    sync_folder(path.parent)


@contextmanager
def draft(path: Path, chunks: Iterable[bytes], mode: int = 0o600) -> Generator[Path]:
    """A whole and durable file beside `path`, to be linked or renamed; gone at the end unless it was renamed.

    What a killed process leaves has a name that begins with a dot. The folder is made where it is not there.
    """
    make_private(path.parent)
    whole = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        yield whole
    finally:
        whole.unlink(missing_ok=True)


def make_private(folder: Path) -> None:
    """Makes a folder and what is missing above it, each durable and for its owner only.

    `mkdir(parents=True)` gives its mode to the last one alone.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
