"""The throttle that a policy may arm for a model: contract 1 step 7, and obligations in section 4."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from math import ceil
from typing import TYPE_CHECKING, Protocol

from sidecar.model.refusal import Refused, refused

if TYPE_CHECKING:
    from sidecar.model.clock import Clock

HOLDS_LIMIT = 4_096
"""Models and versions come from policy data, versions from request paths: hence a bound."""

DOUBLINGS_LIMIT = 64
"""Of a hold: far beyond an epoch, at which it stays; the number comes from a log, or from other replicas."""

BURST = 1.0
"""Calls that may pass at once under an armed throttle."""


@dataclass(frozen=True, slots=True)
class Armed:
    """A throttle in force. `hold_s` is what it came to: doubled with each arming within the epoch, of which this is the
    `number`th, counted from 1."""

    model: str
    version: str | None
    rate_per_s: float
    hold_s: float
    until_unix_s: float
    number: int

    def details(self) -> dict[str, object]:
        """What EVENT throttle_armed says of it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Released:
    """The end of a hold."""

    model: str
    version: str | None
    number: int
    until_unix_s: float

    def details(self) -> dict[str, object]:
        """What EVENT throttle_released says of it."""
        return asdict(self)


class Throttle(Protocol):
    """Asked after the permit, so that refused calls cannot drain it."""

    def admit(self, model: str, version: str | None) -> None:
        """Takes one call's worth; raises Refused `model_throttled` when there is none."""
        ...

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> Armed | None:
        """Limits later calls. None where it is armed already: it stays as it is until its hold ends.

        Raises Refused `overloaded` where too many are armed.
        """
        ...

    def released(self) -> list[Released]:
        """The holds that this replica armed and that ended since the last call, for the audit log."""
        ...


class TokenBucket:
    """Lets `rate_per_s` calls pass, and `BURST` at once. Times are of a clock that never runs backwards."""

    __slots__ = ("_at_s", "_tokens", "rate_per_s")

    def __init__(self, rate_per_s: float, now_s: float) -> None:
        self.rate_per_s = rate_per_s
        self._tokens = BURST
        self._at_s = now_s

    def take(self, now_s: float) -> float:
        """0.0 where a call may pass, which is then counted; else how many seconds to wait for the next."""
        self._tokens = min(BURST, self._tokens + (now_s - self._at_s) * self.rate_per_s)
        self._at_s = now_s
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self.rate_per_s
        self._tokens -= 1.0
        return 0.0


@dataclass(slots=True)
class Hold:
    """The last arming of a model and version. It outlives its end, so that the next one of its epoch holds longer.

    `ends_unix_s` is what counts; it differs from the event's where the clock was put back. `by` is the replica that
    armed it; `is_ours` says that this one's log is to tell of its end.
    """

    armed: Armed
    epoch: int
    ends_unix_s: float
    by: str
    is_ours: bool
    is_active: bool = True
    bucket: TokenBucket = field(default_factory=lambda: TokenBucket(1.0, 0.0))

    @property
    def key(self) -> tuple[str, str | None]:
        """What it is on."""
        return self.armed.model, self.armed.version

    @property
    def rank(self) -> tuple[int, int, str]:
        """Of two holds on the same, the one with the greater rank is in force, for all replicas alike."""
        return self.epoch, self.armed.number, self.by


class MemoryThrottle:
    """The throttles that one replica knows of: those that it armed, and those that it was told of."""

    def __init__(self, clock: Clock, epoch_s: int = 86_400, replica: str = "") -> None:
        self._clock = clock
        self._epoch_s = epoch_s
        self._replica = replica
        self._holds: dict[tuple[str, str | None], Hold] = {}
        self._active = 0
        self._released: deque[Released] = deque(maxlen=HOLDS_LIMIT)
        self._shares = 1

    def admit(self, model: str, version: str | None) -> None:
        """See Throttle."""
        if not self._active:
            return
        for hold in self._meeting(model, version):
            if hold.is_active and not self._ends(hold, self._clock.unix_s()):
                wait_s = hold.bucket.take(self._clock.monotonic_s())
                if wait_s:
                    raise throttled(model, min(wait_s, hold.ends_unix_s - self._clock.unix_s()))

    def arm(self, model: str, version: str | None, rate_per_s: float, hold_s: float) -> Armed | None:
        """See Throttle."""
        now_unix_s = self._clock.unix_s()
        epoch = int(now_unix_s // self._epoch_s)
        last = self._holds.get((model, version))
        if last is not None and last.is_active and not self._ends(last, now_unix_s):
            return None
        if last is None and len(self._holds) >= HOLDS_LIMIT:
            self._make_room(now_unix_s)
        # A clock that was put back finds a hold of a later epoch: it goes on counting there.
        epoch, number = (last.epoch, last.armed.number + 1) if last is not None and last.epoch >= epoch else (epoch, 1)
        hold_s = min(hold_s * 2.0 ** min(number - 1, DOUBLINGS_LIMIT), max(hold_s, self._epoch_s))
        armed = Armed(model, version, rate_per_s, hold_s, now_unix_s + hold_s, number)
        self._enforce(Hold(armed, epoch, armed.until_unix_s, self._replica, is_ours=True))
        return armed

    def released(self) -> list[Released]:
        """See Throttle."""
        self.tend(self._clock.unix_s())
        released = list(self._released)
        self._released.clear()
        return released

    def tend(self, now_unix_s: float) -> None:
        """Ends holds that are over, and forgets those of epochs that are."""
        for hold in list(self._holds.values()):
            is_over = not hold.is_active or self._ends(hold, now_unix_s)
            if is_over and (hold.epoch + 1) * self._epoch_s <= now_unix_s:
                del self._holds[hold.key]

    def restore(self, told: Armed | Released) -> None:
        """Puts back what the log of an earlier life tells. Over or not, a hold counts for how long the next one is."""
        if isinstance(told, Armed):
            epoch = int((told.until_unix_s - told.hold_s) // self._epoch_s)
            self.adopt(Hold(told, epoch, told.until_unix_s, self._replica, is_ours=True))
            return
        hold = self._holds.get((told.model, told.version))
        if hold is not None and hold.armed.number == told.number:
            hold.is_ours = False
        if told in self._released:
            self._released.remove(told)

    def adopt(self, hold: Hold) -> None:
        """Takes over a hold that another replica, or an earlier life, made; unless a newer one is known here."""
        known = self._holds.get(hold.key)
        if known is None and len(self._holds) >= HOLDS_LIMIT:
            return
        if known is None or known.rank < hold.rank:
            # Whose log has the arming, its log also has the end.
            hold.is_ours = hold.is_ours or (known is not None and known.is_active and known.is_ours)
            self._drop(hold.key)
            self._enforce(hold)

    def share(self, replicas: int) -> None:
        """Divides all rates: so many replicas enforce each throttle."""
        if replicas != self._shares:
            self._shares = replicas
            for hold in self._holds.values():
                hold.bucket.rate_per_s = hold.armed.rate_per_s / replicas

    def hold(self, model: str, version: str | None) -> Hold | None:
        """The last arming of the epoch, over or not."""
        return self._holds.get((model, version))

    def holds(self) -> list[Hold]:
        """All that are known."""
        return list(self._holds.values())

    def armed(self) -> tuple[Armed, ...]:
        """Those in force."""
        return tuple(hold.armed for hold in self._holds.values() if hold.is_active)

    def _meeting(self, model: str, version: str | None) -> list[Hold]:
        """The holds that a call meets.

        One on the model as a whole also meets calls that name a version, however it is spelt. A call that names none
        meets those on any version: which one serves it is the model server's to say.
        """
        if version is None:
            return [hold for hold in self._holds.values() if hold.armed.model == model]
        found = (self._holds.get((model, version)), self._holds.get((model, None)))
        return [hold for hold in found if hold is not None]

    def _make_room(self, now_unix_s: float) -> None:
        self.tend(now_unix_s)
        over = next((key for key, hold in self._holds.items() if not hold.is_active), None)
        if over is None:
            raise refused("overloaded", "too many throttled models and versions")
        del self._holds[over]

    def _enforce(self, hold: Hold) -> None:
        hold.bucket = TokenBucket(hold.armed.rate_per_s / self._shares, self._clock.monotonic_s())
        self._holds[hold.key] = hold
        self._active += 1

    def _drop(self, key: tuple[str, str | None]) -> None:
        hold = self._holds.pop(key, None)
        if hold is not None and hold.is_active:
            self._active -= 1

    def _ends(self, hold: Hold, now_unix_s: float) -> bool:
        # A clock that is put back must not make a hold longer than it was meant to be.
        hold.ends_unix_s = min(hold.ends_unix_s, now_unix_s + hold.armed.hold_s)
        if now_unix_s < hold.ends_unix_s:
            return False
        hold.is_active = False
        self._active -= 1
        if hold.is_ours:
            armed = hold.armed
            self._released.append(Released(armed.model, armed.version, armed.number, armed.until_unix_s))
        return True


def throttled(model: str, wait_s: float) -> Refused:
    """What a call meets that may not pass now."""
    return refused("model_throttled", f"{model} is throttled", retry_after_s=max(1, ceil(wait_s)))
