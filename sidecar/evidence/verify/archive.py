"""Which of an archive's checkpoints can be checked by what is there.

Checkpoints come first, tiles and closed segments after them; the tiles of an unfinished 256 only at the end of a run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.ledger.merkle import TILE_HEIGHT, TILE_WIDTH
from sidecar.ledger.reading import entries
from sidecar.ledger.segments import Damaged, first_of, segment_files
from sidecar.ledger.tiles import tile_path

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.evidence.folders import LogFolder


def newest_complete(folder: LogFolder) -> Path | None:
    """The newest checkpoint whose tree can be made from tiles and records that are there; None where there is none."""
    end = _records_end(folder.path)
    for path in sorted(folder.checkpoints.iterdir(), reverse=True):
        size = int(path.name) if path.name.isdecimal() else None
        if size is not None and (size <= end or _has_tiles(folder.path, size)):
            return path
    return None


def _records_end(log_dir: Path) -> int:
    """Up to which record they can be read."""
    segments = segment_files(log_dir)
    if not segments:
        return 0
    end = first_of(segments[-1])
    try:
        for entry in entries(log_dir, end):
            end = entry.sequence + 1
    except Damaged:
        pass  # told of by the pass over all records
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
