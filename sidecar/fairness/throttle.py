"""The throttle that a policy may arm for a model: contract 1 step 7, and obligations in section 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.model.refusal import refused

if TYPE_CHECKING:
    from sidecar.model.clock import Clock

BUCKETS_LIMIT = 4_096
"""Models and versions come from policy data, versions from request paths: hence a bound."""

BURST = 1.0
"""Calls that may pass at once under an armed throttle."""


class Throttle(Protocol):
    """Asked after the permit, so that refused calls cannot drain it."""

    def admit(self, model: str, version: str | None) -> None:
        """Takes one call's worth; raises Refused `model_throttled` when there is none."""
        ...

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> bool:
        """Limits later calls for `hold_s`. True where it was not armed before."""
        ...


@dataclass(slots=True)
class _Bucket:
    rate_per_s: float
    until_s: float
    tokens: float
    at_s: float


class MemoryThrottle:
    """A token bucket per armed model and version, for one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._buckets: dict[tuple[str, str | None], _Bucket] = {}

    def admit(self, model: str, version: str | None) -> None:
        """See Throttle."""
        if not self._buckets:
            return
        # One that was armed for the model as a whole also meets calls that name a version, however it is spelt.
        for key in {(model, version), (model, None)}:
            self._take(key)

    def _take(self, key: tuple[str, str | None]) -> None:
        now_s = self._clock.monotonic_s()
        bucket = self._buckets.get(key)
        if bucket is None:
            return
        if now_s >= bucket.until_s:
            del self._buckets[key]
            return
        bucket.tokens = min(BURST, bucket.tokens + (now_s - bucket.at_s) * bucket.rate_per_s)
        bucket.at_s = now_s
        if bucket.tokens < 1.0:
            wait_s = (1.0 - bucket.tokens) / bucket.rate_per_s if bucket.rate_per_s > 0 else bucket.until_s - now_s
            raise refused("model_throttled", f"{key[0]} is throttled", retry_after_s=max(1, round(wait_s)))
        bucket.tokens -= 1.0

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> bool:
        """See Throttle. An armed throttle stays as it is until its hold ends."""
        now_s = self._clock.monotonic_s()
        self._drop_ended(now_s)
        if (model, version) in self._buckets:
            return False
        if len(self._buckets) >= BUCKETS_LIMIT:
            raise refused("overloaded", "too many throttled models and versions")
        self._buckets[model, version] = _Bucket(rate_per_s, now_s + hold_s, BURST, now_s)
        return True

    def _drop_ended(self, now_s: float) -> None:
        for key in [key for key, bucket in self._buckets.items() if now_s >= bucket.until_s]:
            del self._buckets[key]
