"""Secrets of a few bytes in files of their own: made once, whole, and never overwritten.

Imported by the rooms that keep such a file (subject key, audit salts). Imports `durable`.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.durable import create_once

if TYPE_CHECKING:
    from pathlib import Path


def read_or_create(path: Path, size_bytes: int) -> bytes:
    """The file's content; on the first use, random bytes in a new file that only its owner can read.

    Several processes may do this at once and get the same bytes: the file has its whole content before it
    gets its name, and the name is given once. Raises OSError, and ValueError for a file of another size.
    """
    with suppress(FileNotFoundError):
        return _read(path, size_bytes)
    create_once(path, secrets.token_bytes(size_bytes))
    return _read(path, size_bytes)


def _read(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(size_bytes + 1)
    if len(content) != size_bytes:
        raise ValueError(f"{path} does not hold exactly {size_bytes} bytes")
    return content
