"""What makes a log tamper-evident and keeps its disk in order: tiles, signed checkpoints, the reserve, retention.

Off the path of records, in a thread of its own (`NotaryThread`). A failure here loses nothing: records stay durable,
and what could not be written is tried again; meanwhile `problem` says so.
"""

from __future__ import annotations

import logging
import queue
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.ledger.checkpoint import Checkpoint, sign_checkpoint
from sidecar.ledger.layout import TILES
from sidecar.ledger.tiles import tile_path

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sidecar.ledger.appender import Appender
    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.merkle import Tile
    from sidecar.ledger.note import Signer

logger = logging.getLogger("sidecar.audit")

BACKLOG_LIMIT = 4_096
"""Tiles that wait to be written: those of a million records, 32 MiB."""
CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A tree over durable records, and the tiles that became full since the last one."""

    size: int
    root: bytes
    full: Sequence[Tile]
    partial: Sequence[Tile]


class Retention(Protocol):
    """What may be deleted; see `retention.py`."""

    def apply(self, signed_size: int) -> None:
        """Deletes it; `signed_size` records are under a checkpoint. Raises OSError."""
        ...


class Notary:
    """Publishes tiles first, then the checkpoint that needs them: whoever has a checkpoint finds its tiles."""

    def __init__(
        self,
        files: Files,
        layout: Layout,
        signer: Signer,
        *,
        signed_size: int,
        reserve_bytes: int,
        retention: Retention,
    ) -> None:
        self._files = files
        self._layout = layout
        self._signer = signer
        self._reserve_bytes = reserve_bytes
        self._retention = retention
        self._unwritten: list[Tile] = []
        self._partial = set((layout.ledger_dir / TILES).glob("**/*.p/*"))
        self.signed_size = signed_size

    @property
    def backlog(self) -> int:
        """Full tiles that wait to be written."""
        return len(self._unwritten)

    def publish(self, snapshot: Snapshot) -> None:
        """Writes the tiles and signs the checkpoint of a snapshot. Raises OSError; the tiles wait for the next call."""
        self._unwritten += snapshot.full
        while self._unwritten:
            self._write(self._unwritten[0])
            del self._unwritten[0]
        partial = {self._write(tile) for tile in snapshot.partial}
        checkpoint = Checkpoint(self._signer.name, snapshot.size, snapshot.root)
        self._files.publish(self._layout.checkpoint, sign_checkpoint(checkpoint, self._signer))
        self.signed_size = snapshot.size
        self._partial |= partial
        self._forget(self._partial - partial)

    def reserve(self, appender: Appender) -> None:
        """Sees to it that the next segment has its place on the disk, also if somebody deleted it. Raises OSError."""
        if not (appender.has_reserve and self._layout.reserve.exists()):
            self._files.reserve(self._layout.reserve, self._reserve_bytes)
            appender.has_reserve = True

    def retain(self) -> None:
        """Deletes what need not be kept. Raises OSError."""
        self._retention.apply(self.signed_size)

    def _write(self, tile: Tile) -> Path:
        path = self._layout.ledger_dir / tile_path(tile.level, tile.index, tile.width)
        if not path.is_file() or path.read_bytes() != tile.hashes:  # a start meets tiles that are there already
            self._files.publish(path, tile.hashes)
        return path

    def _forget(self, paths: set[Path]) -> None:
        """C2SP tlog-tiles lets a log delete partial tiles; nothing but the newest checkpoint's is needed."""
        for path in paths:
            self._files.remove(path)
            self._partial.discard(path)
            if path.parent.is_dir() and not any(path.parent.iterdir()):
                path.parent.rmdir()


class NotaryThread:
    """Does a notary's work when told to; what falls due while it works is done after."""

    def __init__(self, notary: Notary, appender: Appender) -> None:
        self._notary = notary
        self._appender = appender
        self._snapshots: queue.SimpleQueue[Snapshot | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="audit-notary", daemon=True)
        self._problems: dict[str, str] = {}
        self.failures_total = 0

    def start(self) -> None:
        """Begins to work."""
        self._thread.start()

    @property
    def problem(self) -> str | None:
        """What could not be done at the last try, or None."""
        return "; ".join(list(self._problems.values())) or None

    @property
    def is_idle(self) -> bool:
        """Whether the last snapshot was taken up: a new one would not wait behind it."""
        return self._snapshots.empty()

    @property
    def is_behind(self) -> bool:
        """Whether too much waits to be written for records to go on."""
        return self._notary.backlog > BACKLOG_LIMIT

    @property
    def signed_size(self) -> int:
        """How many records the newest checkpoint covers."""
        return self._notary.signed_size

    def tend(self, snapshot: Snapshot) -> None:
        """Hands over the tree as it is now, about once a second."""
        self._snapshots.put(snapshot)

    def close(self) -> bool:
        """Finishes what was handed over; False where it still works after five seconds."""
        self._snapshots.put(None)
        self._thread.join(CLOSE_TIMEOUT_S)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (snapshot := self._snapshots.get()) is not None:
            if snapshot.full or snapshot.size != self._notary.signed_size or self._notary.backlog:
                self._try("sign a checkpoint", lambda taken=snapshot: self._notary.publish(taken))
            self._try("reserve the next segment", lambda: self._notary.reserve(self._appender))
            self._try("delete old segments", self._notary.retain)

    def _try(self, what: str, do: Callable[[], None]) -> None:
        try:
            do()
        except Exception as error:
            self.failures_total += 1
            if what not in self._problems:
                logger.warning("the audit log cannot %s", what, exc_info=not isinstance(error, OSError) or error)
            self._problems[what] = f"cannot {what}: {error}"
        else:
            self._problems.pop(what, None)
