"""Every file in a log's folder has a place and a name that the sidecar gives."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.evidence.findings import Code
from sidecar.ledger.layout import CHECKPOINT, IDENTITY, TILES, checkpoint_name
from sidecar.ledger.merkle import TILE_HEIGHT, TILE_WIDTH
from sidecar.ledger.segments import FOLDER, first_of, segment_name
from sidecar.ledger.tiles import parse_tile_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.evidence.findings import Findings


@dataclass(frozen=True, slots=True)
class TileFile:
    """A tile as its file's name tells it."""

    level: int
    index: int
    width: int


@dataclass(slots=True)
class Listing:
    """What lies in a folder, apart from what a checkpoint's size makes due.

    `early`: partial tiles of older checkpoints; `late`: tiles of records that are not under the checkpoint.
    """

    segments: list[Path] = field(default_factory=list[Path])
    early: list[TileFile] = field(default_factory=list[TileFile])
    late: list[TileFile] = field(default_factory=list[TileFile])


def list_files(ledger_dir: Path, size: int, findings: Findings, *, is_archive: bool) -> Listing:
    """All files but for those of `size`, each of which is looked for by name; unknown ones are noted."""
    listing = Listing()
    for path in _walk(ledger_dir):
        name = path.relative_to(ledger_dir).as_posix()
        is_known = _is_single(name, is_archive=is_archive) or _is_segment(path, name, listing)
        if not is_known and not _is_tile(name, size, listing):
            findings.add(Code.FILE_UNKNOWN, "the file has no place in a log", name)
    listing.segments.sort()
    return listing


def _walk(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders.sort()
        yield from (Path(parent, name) for name in sorted(files))
        yield from (path for name in folders if (path := Path(parent, name)).is_symlink())


def _is_single(name: str, *, is_archive: bool) -> bool:
    size = name.rpartition("/")[2]
    is_archived = size.isdecimal() and name == checkpoint_name(int(size))
    return name == IDENTITY or (is_archived if is_archive else name == CHECKPOINT)


def _is_segment(path: Path, name: str, listing: Listing) -> bool:
    with suppress(ValueError):
        if name == f"{FOLDER}/{segment_name(first_of(path))}":
            listing.segments.append(path)
            return True
    return False


def _is_tile(name: str, size: int, listing: Listing) -> bool:
    if not name.startswith(f"{TILES}/"):
        return False
    try:
        tile = TileFile(*parse_tile_path(name))
    except ValueError:
        return False
    signed, end = size >> TILE_HEIGHT * tile.level, tile.index * TILE_WIDTH + tile.width
    if end > signed:
        listing.late.append(tile)
    elif tile.width < TILE_WIDTH and end != signed:
        listing.early.append(tile)
    return True
