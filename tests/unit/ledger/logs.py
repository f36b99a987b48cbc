"""A ledger driven by hand, in one thread, and what the tests of it need to know of its folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from sidecar.ledger.files import OsFiles
from sidecar.ledger.layout import Layout
from sidecar.ledger.merkle import Tree, leaf_hash
from sidecar.ledger.notary import Snapshot
from sidecar.ledger.opening import open_ledger
from sidecar.ledger.reading import entries, record_mark
from tests.support import KEEP_ALL, FixedClock, audit_terms

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from sidecar.ledger.files import Files
    from sidecar.ledger.retention import Keep

SEGMENT_BYTES = 1_500
"""So small that a few records fill it."""


@contextlib.contextmanager
def scratch() -> Generator[Path]:
    """A folder in memory where there is such a thing: a property runs hundreds of times, and nobody cuts the power."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


class Log:
    """The ledger in `folder`/audit/0, opened. `records` are all that were acknowledged, those found too."""

    def __init__(
        self,
        folder: Path,
        files: Files | None = None,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        keep: Keep = KEEP_ALL,
        clock: FixedClock | None = None,
    ) -> None:
        self.layout = Layout(folder / "audit" / "0")
        self.recalled: list[tuple[int, tuple[int, int], bytes]] = []
        self.ledger = open_ledger(
            files or OsFiles(self.layout.draft),
            self.layout,
            audit_terms(folder / "audit", segment_bytes=segment_bytes, keep=keep),
            clock or FixedClock(),
            lambda *told: self.recalled.append(told),
        )
        self.appender, self.notary = self.ledger.appender, self.ledger.notary
        self.records = [entry.record for entry in entries(self.layout.ledger_dir)]

    @property
    def segment(self) -> Path:
        """The one that is written to."""
        return self.layout.segment(self.appender.first)

    def record(self, sequence: int, size: int = 100) -> bytes:
        head = record_mark(self.ledger.log_id) + b'"sequence":%d,"pad":"' % sequence
        return head + b"x" * max(0, size - len(head)) + b'"}'

    def commit(self, *sizes: int) -> None:
        """One commit of records of these sizes, acknowledged at its end."""
        staged = [self.record(self.appender.next_sequence + number, size) for number, size in enumerate(sizes)]
        for record in staged:
            self.appender.stage(record)
        self.appender.flush()
        self.records += staged
        self.appender.absorb()

    def sign(self) -> None:
        """What the notary does about once a second."""
        tree, tiles = self.appender.tree, self.ledger.recovered.tiles
        snapshot = Snapshot(tree.size, tree.root(), tuple(tiles), tree.partial_tiles())
        tiles.clear()
        self.notary.publish(snapshot)
        self.notary.reserve(self.appender)

    def close(self) -> None:
        self.ledger.close()

    def kill(self) -> None:
        """Ends it as a kill does: the segment keeps its reserved size."""
        os.close(self.appender._fd)
        self.appender._fd = -1
        os.close(self.ledger.lock_fd)


def root_of(records: Iterable[bytes]) -> bytes:
    tree = Tree()
    for record in records:
        tree.append(leaf_hash(record))
    return tree.root()


def image(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
