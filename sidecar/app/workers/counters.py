"""What the workers of a pod count together: each writes its own numbers, in memory that all of them read.

So a bound holds for all of them without a lock and without a message. Two that look at the same moment may both take
what is left: the bound is exceeded by what each takes at once, a part of a body or one request, and no more.
"""

from __future__ import annotations

import enum
import mmap
import os

from sidecar.model.budget import Budget

_NUMBER_BYTES = 8


class Counted(enum.IntEnum):
    """What there is a number of for each worker."""

    BODY_BYTES = 0
    REQUESTS = 1
    CONNECTIONS = 2


class Counters:
    """`fd` is the memory's, to be inherited by workers. Numbers are aligned 64 bits, so that none is seen half written.

    `workers` is how many there are.
    """

    def __init__(self, fd: int, workers: int) -> None:
        """`fd`: as `make_memory` gave it, in this process or in the one above it."""
        self.workers = workers
        self._numbers = memoryview(mmap.mmap(fd, memory_bytes(workers))).cast("q")

    def of(self, counted: Counted) -> memoryview[int]:
        """The numbers of all workers, as they are at each look."""
        first = counted * self.workers
        return self._numbers[first : first + self.workers]

    def budget(self, counted: Counted, worker: int, limit: int) -> SharedBudget:
        """A bound on the sum of all, of which `worker` holds its part."""
        return SharedBudget(limit, self.of(counted), worker)

    def forget(self, worker: int) -> None:
        """A worker that has ended holds nothing any more."""
        for counted in Counted:
            self.of(counted)[worker] = 0


class SharedBudget(Budget):
    """See Budget: `fits` looks at what all hold, `held` is this worker's part."""

    __slots__ = ("_all", "_worker")

    def __init__(self, limit: int, held_by_all: memoryview[int], worker: int) -> None:
        super().__init__(limit)
        self._all = held_by_all
        self._worker = worker

    def fits(self, more: int) -> bool:
        """See Budget."""
        return sum(self._all) + more <= self._limit

    def hold(self, amount: int) -> None:
        """See Budget."""
        self.held += amount
        self._all[self._worker] = self.held

    def release(self, amount: int) -> None:
        """See Budget."""
        self.held -= amount
        self._all[self._worker] = self.held


def make_memory(workers: int) -> int:
    """Memory for `Counters`, all zero, without a name in any folder: its descriptor. Raises OSError."""
    fd = os.memfd_create("sidecar-counters")
    os.truncate(fd, memory_bytes(workers))
    return fd


def memory_bytes(workers: int) -> int:
    """How much it takes."""
    return len(Counted) * workers * _NUMBER_BYTES
