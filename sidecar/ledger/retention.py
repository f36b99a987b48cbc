"""Which segments may go: by age and by size, but never one that was not shipped to all that want it."""

from __future__ import annotations

import contextlib
import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.ledger.layout import TILES
from sidecar.ledger.merkle import TILE_WIDTH
from sidecar.ledger.segments import first_of, read_header, segment_files
from sidecar.ledger.tiles import parse_tile_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.model.clock import Clock

INTERVAL_S = 60.0


@dataclass(frozen=True, slots=True)
class Keep:
    """How much is kept. `destinations` name the cursors that must have passed a record before it may go."""

    age_s: float
    size_bytes: int
    destinations: Sequence[str] = ()


class SegmentRetention:
    """Applies `Keep` to one slot, at most once a minute. The newest segment always stays."""

    def __init__(self, files: Files, layout: Layout, keep: Keep, clock: Clock) -> None:
        self._files = files
        self._layout = layout
        self._keep = keep
        self._clock = clock
        self._due_s = 0.0

    def apply(self, signed_size: int) -> None:
        """Deletes segments, and the tiles of level 0 that only they needed. Raises OSError.

        `signed_size` is the newest checkpoint's: the tiles of all that stays go on from there.
        """
        now_s = self._clock.monotonic_s()
        if now_s < self._due_s:
            return
        gone = self._expendable(signed_size)
        for path in gone:
            self._files.remove(path)
        if gone:
            self._prune_tiles()
        self._due_s = now_s + INTERVAL_S

    def _expendable(self, signed_size: int) -> list[Path]:
        paths = segment_files(self._layout.ledger_dir)
        size_bytes = sum(path.stat().st_size for path in paths)
        # The newest segment's header tells the oldest exchange that a start may have to conclude.
        needless = min(self._shipped(), signed_size, read_header(paths[-1]).keep_from)
        gone: list[Path] = []
        for path, follower in itertools.pairwise(paths):
            status = path.stat()
            is_old = self._clock.unix_s() - status.st_mtime > self._keep.age_s
            if not (is_old or size_bytes > self._keep.size_bytes) or first_of(follower) > needless:
                break
            gone.append(path)
            size_bytes -= status.st_size
        return gone

    def _shipped(self) -> float:
        """Every record below has been acknowledged by all destinations."""
        return min((self._acknowledged(name) for name in self._keep.destinations), default=float("inf"))

    def _acknowledged(self, destination: str) -> int:
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            cursor = json.loads((self._layout.cursors / f"{destination}.json").read_bytes())
            return int(min([cursor["next"], *cursor.get("open", [])]))
        return 0  # no cursor, or none that can be read: nothing was shipped

    def _prune_tiles(self) -> None:
        """The hashes of deleted records go too; those of each 256 together stay, so that the tree goes on."""
        first = first_of(segment_files(self._layout.ledger_dir)[0])
        for path in (self._layout.ledger_dir / TILES / "0").glob("**/*"):
            if path.is_file() and self._is_below(path, first):
                self._files.remove(path)

    def _is_below(self, path: Path, first: int) -> bool:
        try:
            _, index, width = parse_tile_path(str(path.relative_to(self._layout.ledger_dir)))
        except ValueError:  # not ours; `audit verify` says so
            return False
        return width == TILE_WIDTH and (index + 1) * TILE_WIDTH <= first
