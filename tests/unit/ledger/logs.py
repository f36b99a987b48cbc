"""A ledger driven by hand, in one thread, and what the tests of it need to know of its folder."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sidecar.ledger.files import OsFiles
from sidecar.ledger.founding import LedgerRefused
from sidecar.ledger.layout import Layout
from sidecar.ledger.merkle import Tree, leaf_hash
from sidecar.ledger.notary import Snapshot
from sidecar.ledger.opening import open_ledger
from sidecar.ledger.reading import entries, record_mark
from sidecar.ledger.segments import Damaged, segment_files
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
        return head + b"x" * max(0, size - len(head) - 2) + b'"}'

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
        if self.appender._fd >= 0:
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


def grown(folder: Path, segments: int = 4) -> Log:
    """A log of several segments, each full and signed, and of some records that are not signed yet."""
    log = Log(folder)
    while len(segment_files(log.layout.ledger_dir)) < segments:
        log.commit(*[100] * 4)
        log.sign()
    log.commit(100, 100)
    return log


def assert_refused(folder: Path, message: str) -> None:
    """A start refuses, says why, and changes nothing."""
    before = image(folder / "audit")
    with pytest.raises((LedgerRefused, Damaged)) as caught:
        Log(folder)
    assert message in str(caught.value), str(caught.value)
    assert image(folder / "audit") == before


def assert_whole(log: Log, acknowledged: list[bytes], staged: list[bytes]) -> None:
    """All that was acknowledged is there, then perhaps a part of what was under way; the tree is theirs."""
    assert log.records[: len(acknowledged)] == acknowledged
    later = log.records[len(acknowledged) :]
    assert later == staged[: len(later)]
    assert log.appender.next_sequence == log.appender.tree.size == len(log.records)
    assert log.appender.tree.root() == root_of(log.records)


def assert_goes_on(log: Log, folder: Path) -> None:
    """It takes more, and a second start finds it all."""
    log.commit(100, 200)
    log.sign()
    log.close()
    again = Log(folder)
    assert_whole(again, log.records, [])
    again.close()
