"""The one writer of a log's records: stages them, writes them durably, grows the tree over them.

Owned by one thread. The order of use is `stage`, `stage`, …, `flush`; then whoever waits may be told; then `absorb`.
After an OSError nothing more may be written: what reached the disk is not known (a failed fsync is never retried).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from sidecar.ledger.frames import FRAME_LIMIT_BYTES, HEAD_BYTES, frame
from sidecar.ledger.merkle import leaf_hash
from sidecar.ledger.segments import HEADER_BYTES, Header

if TYPE_CHECKING:
    from collections.abc import Callable

    from sidecar.ledger.files import Files
    from sidecar.ledger.layout import Layout
    from sidecar.ledger.merkle import Tree
    from sidecar.ledger.recovery import Recovered


class Appender:
    """Appends to the newest segment and goes on to the reserved one when that is full.

    `next_sequence` is that of the next record to be staged. `oldest_open` tells the first record that a start must
    see again, None where there is none. `has_reserve`: the next segment is there; the notary sees to it.
    """

    def __init__(self, files: Files, layout: Layout, recovered: Recovered, *, limit_bytes: int) -> None:
        """Goes on where a log was left, in segments of `limit_bytes`. Raises OSError where the disk has no room."""
        self._files = files
        self._layout = layout
        self._segment_bytes = limit_bytes
        self._limit_bytes = max(limit_bytes, recovered.used_bytes)
        self._first = recovered.first
        self._used_bytes = self._flushed_bytes = recovered.used_bytes
        self.log_id = recovered.log_id
        self._tree = recovered.tree
        files.reserve(layout.segment(self._first), self._limit_bytes)
        self._fd = files.open(layout.segment(self._first))
        self._staged: list[bytes] = []
        self._unhashed: list[bytes] = []
        self._batch_first = self.next_sequence = self._tree.size
        self.oldest_open: Callable[[], int | None] = lambda: None
        self.has_reserve = False

    @property
    def tree(self) -> Tree:
        """The tree over all records that were absorbed."""
        return self._tree

    @property
    def first(self) -> int:
        """The first sequence of the segment that is written to."""
        return self._first

    @property
    def is_rotatable(self) -> bool:
        """Whether the segment has records, and a successor."""
        return self.has_reserve and self._used_bytes > HEADER_BYTES

    @property
    def is_gone(self) -> bool:
        """Whether somebody deleted the segment that is written to."""
        return self._fd >= 0 and os.fstat(self._fd).st_nlink == 0

    @property
    def slots(self) -> int:
        """How many records of the largest size there is certainly room for."""
        here = (self._limit_bytes - self._used_bytes) // FRAME_LIMIT_BYTES
        there = (self._segment_bytes - HEADER_BYTES) // FRAME_LIMIT_BYTES
        return here + there if self.has_reserve else here

    def stage(self, record: bytes) -> tuple[int, int]:
        """Takes a record for the next flush, and says where it goes: its segment's first sequence, its frame's offset.

        Goes on to the next segment where this one is full. Raises OSError.
        """
        if self._used_bytes + HEAD_BYTES + len(record) > self._limit_bytes:
            self.rotate()
        framed = frame(self.next_sequence, self._batch_first, record)
        place = (self._first, self._used_bytes)
        self._staged.append(framed)
        self._unhashed.append(record)
        self._used_bytes += len(framed)
        self.next_sequence += 1
        return place

    def flush(self) -> None:
        """Makes all that is staged durable."""
        self._files.write(self._fd, self._staged, self._flushed_bytes)
        self._staged.clear()
        self._flushed_bytes = self._used_bytes
        self._batch_first = self.next_sequence

    def absorb(self) -> None:
        """Adds what is durable to the tree."""
        append = self._tree.append
        for record in self._unhashed:
            append(leaf_hash(record))
        self._unhashed.clear()

    def close(self) -> None:
        """Gives the unused rest of the segment back to the disk."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            try:
                self._files.truncate(self._layout.segment(self._first), self._flushed_bytes)
            finally:
                self._files.close(fd)

    def rotate(self) -> None:
        """Goes on to the next segment. Its header is durable before it gets its name. Raises OSError."""
        if not self.has_reserve:
            raise OSError("the segment is full, and no other is reserved")
        self.flush()
        self.absorb()
        self.close()
        oldest = self.oldest_open()
        keep_from = self.next_sequence if oldest is None else oldest
        header = Header(self.log_id, self.next_sequence, keep_from, self._tree.root())
        self._fd = self._files.open(self._layout.reserve)
        self._files.write(self._fd, [header.pack()], 0)
        self._files.move(self._layout.reserve, self._layout.segment(header.first))
        self.has_reserve = False
        self._first = header.first
        self._limit_bytes = self._segment_bytes
        self._used_bytes = self._flushed_bytes = HEADER_BYTES
