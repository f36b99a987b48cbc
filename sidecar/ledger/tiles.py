"""Where a tile lies below a log's folder, and how it is read: C2SP tlog-tiles.

    tile/<level>/<index>            a full tile, 256 hashes
    tile/<level>/<index>.p/<width>  a partial one

The index has three digits a path element, and each element but the last begins with an x: 1234067 is
`x001/x234/067`.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from sidecar.ledger.merkle import HASH_BYTES, TILE_BYTES, TILE_WIDTH

if TYPE_CHECKING:
    from pathlib import Path

LEVEL_LIMIT = 63
"""C2SP tlog-tiles: levels are 0 to 63."""
_PATH = re.compile(r"tile/(0|[1-9][0-9]?)/((?:x[0-9]{3}/)*[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?", re.ASCII)
_ATTEMPTS = 3


class TileMissing(Exception):
    """No file holds the tile, or the one that should is of another length."""


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """A tile's path below the log's folder. Raises ValueError for a tile that cannot be."""
    if not (0 <= level <= LEVEL_LIMIT and index >= 0 and 1 <= width <= TILE_WIDTH):
        raise ValueError(f"there is no tile of level {level}, index {index} and width {width}")
    path = f"{index % 1000:03}"
    while index := index // 1000:
        path = f"x{index % 1000:03}/{path}"
    suffix = "" if width == TILE_WIDTH else f".p/{width}"
    return f"tile/{level}/{path}{suffix}"


def parse_tile_path(path: str) -> tuple[int, int, int]:
    """The level, index and width that a path names. Raises ValueError for all that `tile_path` does not write."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise ValueError(f"{path!r} is not the path of a tile")
    level = int(match[1])
    index = int(match[2].replace("x", "").replace("/", ""))
    width = int(match[3] or TILE_WIDTH)
    if path != tile_path(level, index, width):
        raise ValueError(f"{path!r} is not the path of a tile")
    return level, index, width


class TileFolder:
    """The tiles below a log's folder, also while a sidecar adds to them."""

    def __init__(self, ledger_dir: Path) -> None:
        self._ledger_dir = ledger_dir

    def read(self, level: int, index: int, width: int) -> bytes:
        """The first `width` hashes of a tile, from its own file or that of a wider one. Raises TileMissing, OSError.

        A log deletes a partial tile once a wider one is there. Between a look at the folder and a look at the file
        that can happen again, about once a second: hence the few attempts.
        """
        for _ in range(_ATTEMPTS):
            for held in self._widths(level, index, width):
                hashes = self._read_file(level, index, held)
                if hashes is not None:
                    return hashes[: width * HASH_BYTES]
        raise TileMissing(f"{self._ledger_dir / tile_path(level, index, width)} is not there, nor a wider one")

    def _widths(self, level: int, index: int, width: int) -> list[int]:
        partials = self._ledger_dir / f"{tile_path(level, index)}.p"
        held: list[int] = []
        with suppress(FileNotFoundError):  # there are none, or the last was just deleted
            held += [int(path.name) for path in partials.iterdir() if path.name.isdecimal()]
        return [width, *sorted(other for other in held if width < other < TILE_WIDTH), TILE_WIDTH]

    def _read_file(self, level: int, index: int, width: int) -> bytes | None:
        path = self._ledger_dir / tile_path(level, index, width)
        try:
            with path.open("rb") as file:
                hashes = file.read(TILE_BYTES + 1)
        except FileNotFoundError:
            return None
        if len(hashes) != width * HASH_BYTES:
            raise TileMissing(f"{path} is not a tile: it must have {width * HASH_BYTES} bytes")
        return hashes
