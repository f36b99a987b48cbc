"""The destination `archive`: what proves the log, and its closed segments, leave the pod.

Under `<archive>/<log id>/` the ledger's files have their own names; checkpoints, of which one in ten seconds is kept,
are `checkpoints/<size>`. Everything is made once and never replaced: see `store.py`.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from sidecar.ledger.layout import IDENTITY, checkpoint_name
from sidecar.ledger.merkle import TILE_WIDTH
from sidecar.ledger.segments import FOLDER, HEADER_BYTES, first_of, segment_files
from sidecar.ledger.tiles import TileFolder, TileMissing, tile_path
from sidecar.ship.cursor import open_cursor
from sidecar.ship.destination import ARCHIVE, Unavailable
from sidecar.ship.store import Conflict
from sidecar.ship.tail import extent_of, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sidecar.ledger.layout import Layout
    from sidecar.ship.cursor import Cursor, CursorFile
    from sidecar.ship.store import Content, Store
    from sidecar.ship.tail import Extent

logger = logging.getLogger("sidecar.ship")

CHECKPOINT_INTERVAL_S = 10
ROUND_RECORDS = 65_536
"""How far the tiles of one round reach: 256 of level 0, and one of level 1."""


class ArchiveDestination:
    """Ships one slot's files."""

    name = ARCHIVE

    def __init__(
        self,
        layout: Layout,
        cursor_file: CursorFile,
        store: Store,
        *,
        unix_s: Callable[[], float] = time.time,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._layout = layout
        self._cursor_file = cursor_file
        self._store = store
        self._unix_s = unix_s
        self._monotonic_s = monotonic_s
        self._checkpoint_due_s = monotonic_s()
        self._copy: _LogCopy | None = None

    def round(self, *, is_last: bool) -> bool:
        """The newest checkpoint where it is due, some tiles, one segment. See `Destination`."""
        extent = extent_of(self._layout)
        if extent is None:
            return False
        if self._copy is None:
            cursor = self._checked(open_cursor(self._cursor_file, extent.log, extent.first, extent.size), extent)
            self._copy = _LogCopy(self._layout, self._cursor_file, self._store, cursor)
        now_s = self._monotonic_s()  # the wall clock may be set back, and no checkpoint would leave until it caught up
        is_due = is_last or now_s >= self._checkpoint_due_s
        try:
            return self._copy.update(extent, int(self._unix_s()) if is_due else None)
        finally:
            if is_due and self._copy.checkpoint == extent.size:
                self._checkpoint_due_s = now_s + CHECKPOINT_INTERVAL_S

    def _checked(self, cursor: Cursor, extent: Extent) -> Cursor:
        """The cursor says what *an* archive has; another one, or one that was emptied, gets all that is still here."""
        if cursor.checkpoint == 0:
            return cursor
        folder, _, name = checkpoint_name(cursor.checkpoint).rpartition("/")
        held = {IDENTITY} <= set(self._store.names(cursor.log)) and name in self._store.names(f"{cursor.log}/{folder}")
        if held:
            return cursor
        logger.error(
            "the archive lacks what was archived before: is it another one, or was it emptied? "
            "Starting over from record %d, the oldest that is here",
            extent.first,
        )
        after = cursor.started_over(cursor.log, extent.first)
        self._cursor_file.write(after)
        return after


class _LogCopy:
    """One log's part of the archive. A conflict holds up what follows it of its own kind, and nothing else."""

    def __init__(self, layout: Layout, cursor_file: CursorFile, store: Store, cursor: Cursor) -> None:
        self._layout = layout
        self._cursor_file = cursor_file
        self._store = store
        self._cursor = cursor
        self._tiles = TileFolder(layout.ledger_dir)
        self._has_identity = False
        self._in_conflict: list[str] = []

    @property
    def checkpoint(self) -> int:
        """The size of the newest checkpoint that the archive has."""
        return self._cursor.checkpoint

    def update(self, extent: Extent, checkpoint_unix_s: int | None) -> bool:
        """Whether more is due. However much waits, checkpoints go out in time: they come first in each round.

        `checkpoint_unix_s` is the time where one is due, else None.

        Tiles come before segments: a record is behind the cursor, and so may be deleted, only when its tiles are there.
        """
        self._in_conflict = []
        self._put_identity()
        if checkpoint_unix_s is not None:
            self._put_checkpoint(extent, checkpoint_unix_s)
        self._put_tiles(min(extent.size, self._cursor.tiles + ROUND_RECORDS))
        self._put_segment(self._due_segment(extent))
        if self._in_conflict:
            self._advance(conflicts=self._cursor.conflicts + len(self._in_conflict))
            raise Unavailable(f"the archive holds other content under our names: {', '.join(self._in_conflict)}")
        return self._cursor.tiles < extent.size or self._due_segment(extent) is not None

    def _put_identity(self) -> None:
        """The first one: with a new key a log has a new identity, and the archive keeps the one that it has."""
        if not self._has_identity:
            with suppress(Conflict):
                self._create(IDENTITY, self._layout.identity.read_bytes())
            self._has_identity = True

    def _put_tiles(self, size: int) -> None:
        if all(self._put_tile(level, index) for level, index in full_tiles(self._cursor.tiles, size)):
            self._advance(tiles=size)

    def _put_tile(self, level: int, index: int, width: int = TILE_WIDTH) -> bool:
        try:
            hashes = self._tiles.read(level, index, width)
        except TileMissing as error:
            if level == 0 and (index + 1) * TILE_WIDTH <= self._cursor.next:
                return True  # deleted with its records, before there was an archive
            raise Unavailable(str(error)) from error
        return self._put(tile_path(level, index, width), hashes)

    def _due_segment(self, extent: Extent) -> tuple[Path, int] | None:
        """The oldest closed segment that the archive lacks, and the record behind it: it has a follower, and tiles."""
        for path, follower in pairwise(segment_files(self._layout.ledger_dir)):
            if first_of(path) >= self._cursor.next:
                behind = first_of(follower)
                return (path, behind) if behind <= min(extent.size, self._cursor.tiles) else None
        return None

    def _put_segment(self, due: tuple[Path, int] | None) -> None:
        if due is None:
            return
        path, behind = due
        if not is_whole(path, behind):
            lost = behind - self._cursor.next
            logger.error("%s is damaged and not archived: run `sidecar audit verify`", path)
            self._advance(next=behind, segment=behind, offset=HEADER_BYTES, rejected=self._cursor.rejected + lost)
        elif self._put(f"{FOLDER}/{path.name}", path):
            self._advance(next=behind, segment=behind, offset=HEADER_BYTES)

    def _put_checkpoint(self, extent: Extent, now_unix_s: int) -> None:
        """With the partial tiles of its size, so that it can be checked by what the archive has."""
        for level, index, width in partial_tiles(extent.size):
            self._put_tile(level, index, width)
        if extent.size > self._cursor.checkpoint and self._put(checkpoint_name(extent.size), extent.checkpoint):
            self._advance(checkpoint=extent.size, checkpoint_unix_s=now_unix_s)

    def _put(self, name: str, content: Content) -> bool:
        """Whether the archive has it now; not where it has something else."""
        try:
            self._create(name, content)
        except Conflict:
            self._in_conflict.append(name)
            return False
        return True

    def _create(self, name: str, content: Content) -> None:
        if self._store.create(f"{self._cursor.log}/{name}", content):
            self._cursor = replace(self._cursor, shipped=self._cursor.shipped + 1)

    def _advance(self, **changes: int) -> None:
        after = replace(self._cursor, **changes)
        if after != self._cursor:
            self._cursor_file.write(after)
        self._cursor = after


def full_tiles(old_size: int, new_size: int) -> Iterator[tuple[int, int]]:
    """Level and index of the tiles that became full while a tree grew from one size to another."""
    level, old, new = 0, old_size // TILE_WIDTH, new_size // TILE_WIDTH
    while new:
        for index in range(old, new):
            yield level, index
        level, old, new = level + 1, old // TILE_WIDTH, new // TILE_WIDTH


def partial_tiles(size: int) -> Iterator[tuple[int, int, int]]:
    """Level, index and width of the unfinished tiles of a tree."""
    level = 0
    while size:
        index, width = divmod(size, TILE_WIDTH)
        if width:
            yield level, index, width
        level, size = level + 1, index
