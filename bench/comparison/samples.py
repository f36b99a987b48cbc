"""What was measured of the stacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Cell:
    """One load: as many requests as are answered, on so many connections."""

    series: str
    connections: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One stack under one load in one turn. Rates of caches are of ours only."""

    stack: str
    cell: Cell
    requests_per_s: float  # answered with a prediction
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]  # a request, by process
    resident_mib: Mapping[str, float]
    verified_from_cache: float | None = None
    decided_from_cache: float | None = None
    failed: int = 0

    @property
    def total_cpu_us(self) -> float:
        """Of the whole stack; load and upstream are left out."""
        return sum(self.cpu_us.values())

    @property
    def total_mib(self) -> float:
        """Of the whole stack."""
        return sum(self.resident_mib.values())


@dataclass(frozen=True, slots=True)
class Steady:
    """One stack at a constant rate in one turn; latencies count from when a request was due."""

    stack: str
    rate: int
    p50_ms: float
    p99_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All samples, and why stacks are missing."""

    samples: Sequence[Sample]
    steady: Sequence[Steady]
    missing: Mapping[str, str]
