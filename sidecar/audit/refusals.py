"""How many refusals are recorded singly: garbage must buy neither writes nor disk without end (contract 7)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sidecar.model.clock import Clock

SINGLY_PER_S = 100
REASONS_LIMIT = 256
"""Distinct reason codes in one summary; those beyond count as `other`."""
OTHER = "other"


@dataclass(frozen=True, slots=True)
class Quota:
    """How much disk they may take: `bytes_per_s` in the long run, and up to `burst_bytes` at once."""

    bytes_per_s: float
    burst_bytes: float


UNLIMITED = Quota(0.0, float("inf"))


@dataclass(frozen=True, slots=True)
class Summary:
    """Refusals that were counted only. One refusal may have several reasons."""

    from_unix_ns: int
    to_unix_ns: int
    count: int
    reasons: Mapping[str, int]


class RefusalLimiter:
    """Admits `singly_per_s` refusals in each second, within a quota of bytes, and counts the rest until somebody takes
    the summary."""

    def __init__(self, clock: Clock, quota: Quota, singly_per_s: int = SINGLY_PER_S) -> None:
        self._clock = clock
        self._quota = quota
        self._left_bytes = quota.burst_bytes
        self._refilled_s = clock.monotonic_s()
        self._singly_per_s = singly_per_s
        self._second = -1
        self._admitted = 0
        self._count = 0
        self._reasons: Counter[str] = Counter()
        self._from_unix_ns = 0
        self._from_second = 0
        self.summarised_total = 0

    def admit(self, codes: Iterable[str]) -> bool:
        """True: record this refusal singly. False: it was counted, under its reason codes."""
        second = int(self._clock.monotonic_s())
        if second != self._second:
            self._second, self._admitted = second, 0
        if self._admitted < self._singly_per_s and self._is_within_quota():
            self._admitted += 1
            return True
        self._add(codes, second)
        return False

    def spend(self, size_bytes: int) -> None:
        """Takes the size of an admitted refusal's record from the quota, which it may overdraw once."""
        self._left_bytes -= size_bytes

    def due(self) -> bool:
        """Whether there are counts of a second that is over."""
        return self._count > 0 and int(self._clock.monotonic_s()) != self._from_second

    def take(self) -> Summary | None:
        """The counts since the last call, or None where there are none."""
        if self._count == 0:
            return None
        summary = Summary(self._from_unix_ns, self._clock.unix_ns(), self._count, dict(self._reasons))
        self._count = 0
        self._reasons.clear()
        return summary

    def give_back(self, summary: Summary) -> None:
        """What was taken could not be recorded: it counts for the next summary."""
        self._from_unix_ns = summary.from_unix_ns
        self._from_second = int(self._clock.monotonic_s())
        self._count += summary.count
        self._reasons.update(summary.reasons)

    def _is_within_quota(self) -> bool:
        now_s = self._clock.monotonic_s()
        refill_bytes = (now_s - self._refilled_s) * self._quota.bytes_per_s
        self._left_bytes = min(self._quota.burst_bytes, self._left_bytes + refill_bytes)
        self._refilled_s = now_s
        return self._left_bytes > 0

    def _add(self, codes: Iterable[str], second: int) -> None:
        if self._count == 0:
            self._from_unix_ns, self._from_second = self._clock.unix_ns(), second
        self._count += 1
        self.summarised_total += 1
        for code in codes:
            known = code in self._reasons or len(self._reasons) < REASONS_LIMIT
            self._reasons[code if known else OTHER] += 1
