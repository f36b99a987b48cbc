"""Which checkpoint speaks for a log.

A ledger has one. An archive has many, and the newest cannot always be checked by what is there: it comes with the
unfinished tiles of its size, and before full tiles and closed segments, which may be far behind after an outage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.ledger.merkle import TILE_HEIGHT, TILE_WIDTH
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged, first_of, segment_files
from sidecar.ledger.tiles import tile_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder


def newest_provable(folder: LogFolder) -> Path | None:
    """The newest whose tree can be made from tiles and records that are there; None where there is none."""
    end = _records_end(folder) if folder.is_archive else 0
    return _newest(folder, lambda size: size <= end or _has_tiles(folder.path, size))


def newest_recorded(folder: LogFolder) -> Path | None:
    """The newest whose records are there, but for those that retention deleted; None where there is none."""
    end = _records_end(folder) if folder.is_archive else 0
    return _newest(folder, lambda size: size <= end)


def _newest(folder: LogFolder, is_wanted: Callable[[int], bool]) -> Path | None:
    if not folder.is_archive:
        return folder.checkpoint if folder.checkpoint.is_file() else None
    named = (path for path in sorted(folder.checkpoints.iterdir(), reverse=True) if path.name.isdecimal())
    return next((path for path in named if is_wanted(int(path.name))), None)


def _records_end(folder: LogFolder) -> int:
    """Up to which record they can be read."""
    segments = segment_files(folder.path)
    if not segments:
        return 0
    end = first_of(segments[-1])
    try:
        for entry in entries(folder.path, end):
            end = entry.sequence + 1
    except Damaged:
        pass  # for `verify` to tell
    return end


def _has_tiles(log_dir: Path, size: int) -> bool:
    level = 0
    while count := size >> TILE_HEIGHT * level:
        index, width = divmod(count, TILE_WIDTH)
        place = (index, width) if width else (index - 1, TILE_WIDTH)
        if not (log_dir / tile_path(level, *place)).exists():
            return False
        level += 1
    return True
