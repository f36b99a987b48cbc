"""What an audit log says of fairness: the same observations that the window was told live, and the throttles.

An exchange that was judged left an INTENT with what the request said and an OUTCOME with what the model answered
(contract 7): together they are the `Observation`. Most records have nothing to say here, and are not even parsed.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import orjson

from sidecar.fairness.throttle import Armed, Released
from sidecar.fairness.window import Observation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sidecar.fairness.window import Store
    from sidecar.model.clock import Clock
    from sidecar.model.facts import Facts

OPEN_LIMIT = 16_384
"""INTENTs that wait for their OUTCOME: far more than are ever in flight. Where OUTCOMEs were dropped, the oldest go."""

JUDGED = b'"prediction":{'
THROTTLE = b'"event":"throttle_'
"""What stands in the bytes of every record that matters here; it may stand in others, too."""

Step = Observation | Armed | Released

_THROTTLES: Mapping[str, type[Armed] | type[Released]] = {"throttle_armed": Armed, "throttle_released": Released}


class Unreadable(ValueError):
    """A record that should tell of a prediction or a throttle, and is not as the contract has it."""


class Join:
    """Takes a log's records in order, and gives what each one adds."""

    def __init__(self, open_limit: int = OPEN_LIMIT) -> None:
        self._open_limit = open_limit
        self._open: dict[str, bytes] = {}
        self.lost_total = 0
        """INTENTs that were given up, since too many were open."""

    def take(self, kind: str, decision_id: str | None, record: bytes) -> Step | None:
        """`record` are its exact bytes, `kind` and `decision_id` those in its head. Raises Unreadable.

        None for a record that adds nothing: an INTENT alone, a refusal, an exchange that was not judged.
        """
        if kind == "INTENT" and decision_id is not None:
            self._wait(decision_id, record)
        elif kind == "OUTCOME" and decision_id is not None:
            intent = self._open.pop(decision_id, None)
            if intent is not None and JUDGED in record:
                return _read(observation_of, intent, record)
        elif kind == "EVENT" and THROTTLE in record:
            return _read(throttle_of, record)
        return None

    def _wait(self, decision_id: str, record: bytes) -> None:
        if len(self._open) >= self._open_limit:
            del self._open[next(iter(self._open))]
            self.lost_total += 1
        self._open[decision_id] = record


class LogClock:
    """The clock of a store that a log is told to: it stands at the log's newest record until it is let go.

    So tests and holds take the course that they took then. `real` is the machine's clock, to which it is let go.
    """

    def __init__(self, real: Clock) -> None:
        self._real = real
        self._stands_unix_ns: int | None = 0

    def stand(self, unix_ns: int) -> None:
        """Goes to a record's time, unless that lies behind it, or in the future. Let go, it goes its own way."""
        if self._stands_unix_ns is not None:
            self._stands_unix_ns = max(self._stands_unix_ns, min(unix_ns, self._real.unix_ns()))

    def let_go(self) -> None:
        """From now on it is the real one."""
        self._stands_unix_ns = None

    def unix_s(self) -> float:
        """See Clock."""
        return self._real.unix_s() if self._stands_unix_ns is None else self._stands_unix_ns / 1e9

    def unix_ns(self) -> int:
        """See Clock."""
        return self._real.unix_ns() if self._stands_unix_ns is None else self._stands_unix_ns

    def monotonic_s(self) -> float:
        """See Clock."""
        return self._real.monotonic_s()


class Feed:
    """Tells a store what a log says, in the log's own time: `clock` is the store's."""

    def __init__(self, store: Store, clock: LogClock, facts: Facts) -> None:
        self._store = store
        self._clock = clock
        self._facts = facts
        self._second = 0

    def advance(self, unix_ns: int) -> bool:
        """To the time of the next record in the log's order. Whether that was another second: then the store is tended,
        as a sidecar does it."""
        self._clock.stand(unix_ns)
        second = int(self._clock.unix_s())
        is_due = second > self._second
        if is_due:
            self._second = second
            self._store.tend()
        return is_due

    def take(self, step: Step) -> None:
        """What that record adds."""
        if isinstance(step, Observation):
            self._store.observe(self._facts.of(step.model), step)
        else:
            self._store.restore(step)


def observation_of(intent: Mapping[str, Any], outcome: Mapping[str, Any]) -> Observation | None:
    """One exchange's observation; None where no prediction was judged. Raises KeyError, TypeError, ValueError."""
    asked, answered = intent["input"], outcome["input"]
    if not asked or not answered or not answered.get("prediction"):
        return None
    endpoint, groups, scores = intent["endpoint"], asked["attributes"]["groups"], answered["prediction"]["scores"]
    instances = int(asked["instances"])
    named = tuple(groups["value"]) if groups["status"] == "present" and isinstance(groups["value"], list) else ()
    if len(named) not in (0, 1, instances) or (scores is not None and len(scores) != instances):
        raise ValueError(f"{len(named)} groups or {scores} for {instances} instances")
    return Observation(
        decision_id=intent["decision_id"],
        model=endpoint["model"] or "",
        version=endpoint["version"],
        unix_s=intent["started_unix_ns"] / 1e9,
        groups=named,
        scores=None if scores is None else tuple(scores),
        positive=_positive(outcome["positive"], instances),
        instances=instances,
        released=outcome["result"] == "released",
    )


def throttle_of(event: Mapping[str, Any]) -> Armed | Released | None:
    """What an EVENT says of a throttle; None for any other. Raises KeyError, TypeError, ValueError."""
    kind = _THROTTLES.get(event["event"])
    if kind is None:
        return None
    details = event["details"]
    return kind(**{field.name: details[field.name] for field in fields(kind)})


def _positive(indices: list[int] | None, instances: int) -> tuple[bool, ...] | None:
    """A record lists the instances that counted as positive; None where the model does not declare what does."""
    if indices is None:
        return None
    counted = frozenset(indices)
    return tuple(index in counted for index in range(instances))


def _read(reader: Callable[..., Step | None], *records: bytes) -> Step | None:
    try:
        return reader(*map(orjson.loads, records))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Unreadable(f"a record is not as this version writes them: {error!r}") from error
