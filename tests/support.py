"""What tests of several rooms share."""

from __future__ import annotations


class FixedClock:
    """A clock that stands until it is advanced."""

    def __init__(self, unix_s: float = 1_795_300_000.0) -> None:
        self._unix_s = unix_s
        self._monotonic_s = 1_000.0

    def unix_s(self) -> float:
        return self._unix_s

    def unix_ns(self) -> int:
        return int(self._unix_s * 1e9)

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        self._unix_s += seconds
        self._monotonic_s += seconds
