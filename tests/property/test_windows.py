"""Any interleaving and sharding of the same predictions gives the same window, and the same test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecar.fairness.shared import SharedWindow
from sidecar.fairness.windows import MemoryWindow
from tests.budgets import examples
from tests.conformance.windows import CREDIT, NOON_S, TERMS, ClockedStore, empty, seen
from tests.servers.redis import RedisServer, require_redis
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import Generator

    from sidecar.fairness.window import Store

GROUPS = ("a", "b", "c")  # the last is not declared


@dataclass(frozen=True)
class Told:
    """Predictions alike, of one second: told to one replica, `late_s` after their time."""

    replica: int
    group: str
    positives: tuple[bool, ...]
    score: float
    late_s: float


@dataclass(frozen=True)
class Second:
    """What happens between two ticks of the clock, and in which order replicas sync then."""

    told: tuple[Told, ...]
    order: tuple[int, ...]
    gap_s: int


tellings = st.builds(
    Told,
    replica=st.integers(0, 3),
    group=st.sampled_from(GROUPS),
    positives=st.lists(st.booleans(), min_size=1, max_size=40).map(tuple),
    score=st.floats(0, 1),
    late_s=st.floats(0, 1),
)
seconds = st.builds(
    Second,
    told=st.lists(tellings, max_size=6).map(tuple),
    order=st.lists(st.integers(0, 3), max_size=4).map(tuple),
    gap_s=st.sampled_from([0, 0, 1, 30, 5_000]),
)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    require_redis()
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server.url
    server.kill()


def tell(windows: list[Store], clock: FixedClock, second: Second) -> None:
    """Each prediction goes to one of the windows; a single one gets them all."""
    for told in second.told:
        for positive in told.positives:
            said = seen(clock, told.group, told.score, positive=positive)._replace(unix_s=clock.unix_s() - told.late_s)
            windows[told.replica % len(windows)].observe(CREDIT, said)


def by_one(stream: list[Second]) -> Store:
    clock = FixedClock(NOON_S)
    window = MemoryWindow(clock, TERMS)
    for second in stream:
        tell([window], clock, second)
        clock.advance(4 if second.gap_s else 1)
        window.tend()
        clock.advance(second.gap_s)
    clock.advance(5)
    window.tend()
    return window


async def by_many(stream: list[Second], url: str, replicas: int) -> list[Store]:
    """Every replica syncs about once a second, which is what the second of settling is for; some more often."""
    empty(url)
    clock = FixedClock(NOON_S)
    many = [SharedWindow(clock, TERMS, f"replica-{n}", ClockedStore(url, clock)) for n in range(replicas)]
    for one in many:
        one.snapshot(CREDIT, None)
    try:
        for second in stream:
            tell(list(many), clock, second)
            order = [n % replicas for n in second.order]
            order += [n for n in range(replicas) if n not in order]
            for step_s in (1, 3) if second.gap_s else (1,):
                clock.advance(step_s)
                for index in order:
                    assert await many[index].sync()
            clock.advance(second.gap_s)
        clock.advance(5)
        for one in many * 2:
            assert await one.sync()
    finally:
        for one in many:
            await one.close()
    return list(many)


def shown(window: Store) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """What a rule sees, with its numbers apart; and the test."""
    snapshot = window.snapshot(CREDIT, None)
    counts = {group: (each["n"], each["positive_rate"]) for group, each in snapshot.groups.items()}
    means = {
        f"{group} {name}": each[name]
        for group, each in snapshot.groups.items()
        for name in ("mean_score", "mean_lower", "mean_upper")
    }
    tests = [watch.test for watch in window.status().watches if watch.buckets]
    return {"counts": counts, "impact": snapshot.disparate_impact}, means, tests


@given(stream=st.lists(seconds, min_size=1, max_size=12), replicas=st.integers(1, 4))
@settings(max_examples=examples(30))
async def test_any_sharding_gives_the_same_window(stream: list[Second], replicas: int, url: str) -> None:
    one = by_one(stream)
    exact, means, test = shown(one)
    for shared in await by_many(stream, url, replicas):
        assert (exact, test) == (shown(shared)[0], shown(shared)[2])
        assert shown(shared)[1] == pytest.approx(means, abs=1e-9)
