"""One sync of a replica with the store: what it says, what it hears, and what all take on together.

All of it is absolute, so that a sync can be cut off anywhere, and the next one says it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import orjson

from sidecar.fairness.shared_store import Change, Put, minute_hash
from sidecar.fairness.stored import (
    bucket_key,
    copy_of,
    field_of_hold,
    hash_of_holds,
    hash_of_test,
    read_cells,
    read_hold,
    read_test,
    write_cells,
    write_hold,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sidecar.fairness.buckets import Buckets
    from sidecar.fairness.epoch import EpochTest
    from sidecar.fairness.shared_store import Beat, SharedStore
    from sidecar.fairness.ticks import Ticks
    from sidecar.fairness.watch import Watch
    from sidecar.fairness.windows import MemoryWindow
    from sidecar.model.clock import Clock

T = TypeVar("T")

BATCH = 256
"""Minutes in one call: a day of them at once would hold up the event loop, and the store."""

PUTS = 32
"""Watches in one call, or parts of one; most have a minute or two to say."""

ROUNDS = 8
"""How often a sync tries to replace a value that others are replacing, too. The next sync tries again."""


@dataclass(slots=True)
class _Link:
    """How far a watch is in step with the store."""

    key: str
    watch: Watch
    buckets: Buckets
    change: int = 0


@dataclass(frozen=True, slots=True)
class _Try:
    """A test in the store, and the counts that go with it: others, once the watch has begun anew."""

    watch: Watch
    ticks: Ticks
    hash: str
    state: bytes | None


class Sync:
    """Keeps one replica's window in step with what all share."""

    def __init__(self, local: MemoryWindow, clock: Clock, replica: str, store: SharedStore) -> None:
        self._local = local
        self._clock = clock
        self._replica = replica
        self._store = store
        self._links: dict[tuple[str, str | None], _Link] = {}
        self._generation = ""

    async def run(self) -> None:
        """Once. Raises StoreFailed."""
        beat = await self._store.beat(self._replica)
        self._local.throttle.share(beat.replicas)
        is_lost = beat.generation != self._generation
        links = self._link(is_lost)
        await self._sync_holds(beat)
        await self._hear(links)
        await self._say(links, is_lost)
        await self._sync_tests(beat)
        self._generation = beat.generation

    def _link(self, is_lost: bool) -> list[_Link]:
        """One for each watch; a new one for a watch that began anew."""
        self._links = {(watch.facts.name, watch.version): self._linked(watch) for watch in self._local.watches()}
        links = list(self._links.values())
        if is_lost:
            for link in links:
                link.change = 0
                link.watch.unpushed.update(link.buckets.minutes())
        return links

    def _linked(self, watch: Watch) -> _Link:
        link = self._links.get((watch.facts.name, watch.version))
        if link is not None and link.buckets is watch.buckets:
            return link
        return _Link(bucket_key(watch), watch, watch.buckets)

    async def _hear(self, links: Sequence[_Link]) -> None:
        """Takes what other replicas counted in minutes that changed."""
        replies = await self._store.changes([(link.key, link.change) for link in links])
        wanted = [(link, minute) for link, changes in zip(links, replies, strict=True) for minute, _ in changes]
        for batch in _batches(wanted, BATCH):
            found = await self._store.fields([minute_hash(link.key, minute) for link, minute in batch])
            for (link, minute), fields in zip(batch, found, strict=True):
                self._put(link, minute, fields)
        for link, changes in zip(links, replies, strict=True):
            link.change = max([link.change, *(change for _, change in changes)])

    def _put(self, link: _Link, minute: int, fields: dict[str, bytes]) -> None:
        for replica, value in fields.items():
            cells = read_cells(value, replica) if replica != self._replica else None
            if cells is not None:
                link.buckets.put(minute, replica, cells)
        link.watch.refresh()

    async def _say(self, links: Sequence[_Link], is_lost: bool) -> None:
        """Stores what this replica counted; after a loss also what it knows of others, who may be gone."""
        said = {link.key: (link, link.watch.unpushed) for link in links if link.watch.unpushed}
        puts = [put for link, minutes in said.values() for put in self._puts(link, minutes, ours=True)]
        for link, _ in said.values():
            link.watch.unpushed = set()
        try:
            for batch in _batches(puts, PUTS):
                await self._store.put(batch)
        except BaseException:  # a cancelled sync has said nothing, either
            for link, minutes in said.values():
                link.watch.unpushed |= minutes
            raise
        if is_lost:
            others = [put for link in links for put in self._puts(link, link.buckets.minutes(), ours=False)]
            for batch in _batches(others, PUTS):
                await self._store.put(batch)

    def _puts(self, link: _Link, minutes: Iterable[int], *, ours: bool) -> Iterator[Put]:
        cells = [
            (minute, replica, write_cells(cells))
            for minute in sorted(minutes)
            for replica, cells in link.buckets.of(minute).items()
            if (replica == self._replica) is ours
        ]
        return (Put(link.key, batch, only_new=not ours) for batch in _batches(cells, BATCH))

    async def _sync_holds(self, beat: Beat) -> None:
        ahead_s = beat.unix_s - self._clock.unix_s()
        epoch = int(beat.unix_s // self._local.terms.epoch_s)
        names = [hash_of_holds(epoch + offset) for offset in (-1, 0, 1)]  # of replicas whose clocks differ, too
        stored = dict(zip(names, await self._store.fields(names), strict=True))
        for fields in stored.values():
            for value in fields.values():
                hold = read_hold(value, ahead_s)
                if hold is not None:
                    self._local.adopt(hold)
        changes: list[Change] = []
        for hold in self._local.throttle.holds():
            name, field_name = hash_of_holds(hold.epoch), field_of_hold(hold)
            value = stored.get(name, {}).get(field_name)
            there = read_hold(value, ahead_s)
            if there is None or there.rank < hold.rank:
                changes.append(Change(name, field_name, value, write_hold(hold, ahead_s)))
        # Where another replica was faster, the next sync adopts or replaces what it wrote.
        await self._store.replace(changes)

    async def _sync_tests(self, beat: Beat) -> None:
        """Takes the tests on: the shared state, with what this replica has counted, by the store's clock."""
        tested = [(watch, hash_of_test(watch, watch.test)) for watch in self._local.watches() if watch.test is not None]
        states = await self._store.fields([name for _, name in tested])
        left = [
            _Try(watch, watch.ticks, name, fields.get("state"))
            for (watch, name), fields in zip(tested, states, strict=True)
        ]
        for _ in range(ROUNDS):
            left = await self._take_on(left, beat)

    async def _take_on(self, tries: list[_Try], beat: Beat) -> list[_Try]:
        """Gives those where another replica was faster, with what it made of the test."""
        steps = [(each, step) for each in tries if (step := self._step(each, beat)) is not None]
        replies = await self._store.replace(
            [Change(each.hash, "state", each.state, orjson.dumps(step.state())) for each, step in steps]
        )
        left: list[_Try] = []
        for (each, step), reply in zip(steps, replies, strict=True):
            if reply is not None:
                left.append(_Try(each.watch, each.ticks, each.hash, reply or None))
            elif each.watch.ticks is each.ticks:
                self._adopt(each.watch, step)
        return left

    def _step(self, each: _Try, beat: Beat) -> EpochTest | None:
        """The test a step further; None where there is no step to take, or the watch began anew meanwhile."""
        watch = each.watch
        if watch.ticks is not each.ticks or watch.test is None:
            return None
        # Without a state this is the first replica of the epoch, or the store lost it: our own copy is as good as any.
        test = read_test(each.state) or copy_of(watch.test)
        hold = self._local.throttle.hold(watch.facts.name, watch.version)
        is_news = watch.take(test, beat.unix_s, hold)
        if not is_news and each.state is not None:
            self._adopt(watch, test)
            return None
        return test

    def _adopt(self, watch: Watch, test: EpochTest) -> None:
        watch.adopt(test)
        # Where a throttle was armed while the store was asked, the next sync tells the store.
        watch.heed_hold(self._local.throttle.hold(watch.facts.name, watch.version))


def _batches(items: list[T], size: int) -> Iterator[list[T]]:
    return (items[first : first + size] for first in range(0, len(items), size))
