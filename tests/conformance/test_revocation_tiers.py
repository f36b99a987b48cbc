"""Whatever is revoked, taken back, consolidated and forgotten, in whatever order: an engine finds who is revoked.

An engine holds the newest recent tier, which is small and fetched at once, and as its bulk any that it may have fetched
since the one before the newest number was made.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.registry.store.revoked import BULKS_APART_S
from sidecar.registry.values import Document, Kind
from tests.budgets import examples
from tests.registries import ANN, SYSTEMS, Opened, databases_of, pseudonym

if TYPE_CHECKING:
    from collections.abc import Generator

    from tests.registries import Databases

EXAMPLES = {"sqlite": 30, "postgresql": 8}
LIMIT = 2
KINDS = {Kind.REVOKED_TOKEN: "tokens", Kind.REVOKED_SUBJECT: "subjects"}

Person = tuple[Kind, int]
PEOPLE = st.tuples(st.sampled_from(list(KINDS)), st.integers(0, 6))
STEPS = st.one_of(
    st.tuples(st.just("revoke"), st.lists(PEOPLE, min_size=1, max_size=6), st.sampled_from([50.0, 500.0, 5_000.0])),
    st.tuples(st.just("take_back"), PEOPLE),
    st.tuples(st.just("wait"), st.sampled_from([1.0, BULKS_APART_S, 600.0])),
    st.tuples(st.just("consolidate")),
    st.tuples(st.just("forget_expired")),
)


@pytest.fixture(scope="module", params=SYSTEMS)
def system(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[tuple[str, Databases]]:
    with databases_of(request.param, tmp_path_factory.mktemp("databases")) as made:
        yield request.param, made


@dataclass(slots=True)
class World:
    """A registry, who is revoked until when by our own account, and every document that it gave."""

    opened: Opened
    until_unix_s: dict[Person, float] = field(default_factory=dict[Person, float])
    recent: list[Document] = field(default_factory=list[Document])
    bulks: list[Document] = field(default_factory=list[Document])

    def revoke(self, people: list[Person], life_s: float) -> None:
        until = self.opened.clock.now_s + life_s
        for kind, number in people:
            self.opened.registry.put_many(kind, [(pseudonym(number), {"until_unix_s": until})], by=ANN)
            self.until_unix_s[kind, number] = until

    def take_back(self, person: Person) -> None:
        kind, number = person
        if record := self.opened.registry.get(kind, pseudonym(number)):
            self.opened.registry.delete(kind, pseudonym(number), by=ANN, if_match=record.version)
            del self.until_unix_s[person]

    def wait(self, span_s: float) -> None:
        self.opened.clock.now_s += span_s

    def consolidate(self) -> None:
        self.opened.registry.consolidate()

    def forget_expired(self) -> None:
        gone = [person for person, until in self.until_unix_s.items() if until <= self.opened.clock.now_s]
        assert self.opened.registry.forget_expired() == len(gone)
        for person in gone:
            del self.until_unix_s[person]

    def look(self) -> None:
        """What engines may hold after this step."""
        self.recent.append(self.opened.registry.revocations())
        self.bulks.append(self.opened.registry.earlier())
        self.check_tiers()
        for documents in (self.recent, self.bulks):
            check_dates(documents)

    def check_tiers(self) -> None:
        recent, newest = self.recent[-1], number_of(self.bulks[-1])
        after: Any = recent.json["revocations"]
        assert after["after"] == max(newest - 1, 0)
        for bulk in self.bulks:
            if number_of(bulk) >= newest - 1:
                assert [person for person in self.until_unix_s if not finds(recent, bulk, person)] == []
        found = {
            (kind, number) for kind in KINDS for number in range(7) if finds(recent, self.bulks[-1], (kind, number))
        }
        assert found == set(self.until_unix_s), "the newest of both name nobody else"


def check_dates(documents: list[Document]) -> None:
    """The sequence rises with the content, and with nothing else."""
    *former, last = documents
    if former:
        assert (former[-1].sequence == last.sequence) == (former[-1].json == last.json)
        assert former[-1].sequence <= last.sequence


def number_of(bulk: Document) -> int:
    tiers: Any = bulk.json["revocations"]
    return tiers["earlier"]["number"]


def finds(recent: Document, bulk: Document, person: Person) -> bool:
    """As the guard looks people up."""
    name, key = KINDS[person[0]], pseudonym(person[1])
    late: Any = recent.json["revocations"]
    tiers: Any = bulk.json["revocations"]
    return key in late[name] or key[4:32] in tiers["earlier"][name].get(key[:4], "")


def test_who_is_revoked_is_found(system: tuple[str, Databases]) -> None:
    name, databases = system

    @given(st.lists(STEPS, min_size=5, max_size=30))
    @settings(max_examples=examples(EXAMPLES[name]), suppress_health_check=[HealthCheck.too_slow])
    def whatever_happens(steps: list[Any]) -> None:
        with closing(Opened(databases.fresh(), recent_limit=LIMIT)) as opened:
            world = World(opened)
            world.look()
            for step, *words in steps:
                getattr(world, step)(*words)
                world.look()
            people = {
                name: {pseudonym(n): 1 for k, n in world.until_unix_s if k is kind} for kind, name in KINDS.items()
            }
            assert opened.registry.export()["revocations"] == people
            assert opened.registry.export(2**40) == opened.registry.export()

    whatever_happens()
