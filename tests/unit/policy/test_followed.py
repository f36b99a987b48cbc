"""A policy in an OPA that somebody else runs: real ones, as the supervisor of workers has them."""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.bundle import build
from sidecar.policy.child import ChildEngine, ChildMaker
from sidecar.policy.events import NoEvents
from sidecar.policy.followed import FollowedSource, Told
from sidecar.policy.generation import probe
from sidecar.policy.policy import Policy
from sidecar.policy.problems import PolicyProblems
from tests.lab import DATA, REGO
from tests.policies import opa_binary, until
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path


@dataclass
class Events(NoEvents):
    """What is told of the policy."""

    revisions: list[str] = field(default_factory=list[str])
    failures: int = 0
    restarts: int = 0

    def activated(self, revision: str) -> None:
        self.revisions.append(revision)

    def activation_failed(self) -> None:
        self.failures += 1

    def engine_restarted(self) -> None:
        self.restarts += 1


@dataclass
class Elsewhere:
    """The other process: its engines, and what it tells."""

    folder: Path
    told: asyncio.Queue[Told] = field(default_factory=asyncio.Queue[Told])
    engines: list[ChildEngine] = field(default_factory=list[ChildEngine])

    async def activate(self, **datasets: object) -> str:
        """One more engine; its socket."""
        file = self.folder / "data.json"
        file.write_text(json.dumps(DATA | {"datasets": DATA["datasets"] | datasets}))
        maker = ChildMaker(opa_binary(), timeout_s=5.0, clock=FixedClock())
        self.engines.append(await maker.make(build(REGO, file)))
        return str(self.engines[-1].socket)


@pytest.fixture
async def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Elsewhere]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    made = Elsewhere(tmp_path)
    yield made
    for engine in made.engines:
        await engine.aclose()


def following(elsewhere: Elsewhere, events: Events) -> FollowedSource:
    return FollowedSource(elsewhere.told, FixedClock(), timeout_s=5.0, events=events)


async def test_it_decides_by_what_it_is_told_and_changes_over_when_told_anew(elsewhere: Elsewhere) -> None:
    events = Events()
    source = following(elsewhere, events)
    elsewhere.told.put_nowait(Told(await elsewhere.activate()))
    await source.start()
    policy = Policy(source, mode="enforce", max_age_s=None)
    first = policy.revision
    elsewhere.told.put_nowait(Told(await elsewhere.activate(newer=DATA["datasets"]["fresh"])))
    await until(lambda: policy.revision != first)
    await elsewhere.engines.pop(0).aclose()
    generation = source.generation
    assert generation is not None
    answer = await generation.engine.decide(probe(generation.facts, "request", 0.0))
    assert answer.revision == policy.revision == events.revisions[1]
    assert (events.revisions[0], len(events.revisions), source.problems) == (first, 2, ())
    await source.aclose()


async def test_what_is_wrong_elsewhere_is_told_here_and_the_last_good_policy_goes_on(elsewhere: Elsewhere) -> None:
    events = Events()
    source = following(elsewhere, events)
    socket = await elsewhere.activate()
    elsewhere.told.put_nowait(Told(socket))
    await source.start()
    elsewhere.told.put_nowait(Told(socket, ("data.json is no JSON",), 2))
    await until(lambda: source.problems)
    assert (source.problems, source.restarts, events.restarts) == (("data.json is no JSON",), 2, 2)
    elsewhere.told.put_nowait(Told(socket, (), 2))
    await until(lambda: not source.problems)
    assert (events.restarts, len(events.revisions), events.failures) == (2, 1, 0)
    await source.aclose()


async def test_without_an_engine_it_does_not_start_and_says_why(elsewhere: Elsewhere) -> None:
    source = following(elsewhere, Events())
    elsewhere.told.put_nowait(Told(None, ("one", "two")))
    with pytest.raises(PolicyProblems) as raised:
        await source.start()
    assert raised.value.problems == ("one", "two")
    await source.aclose()


async def test_an_engine_that_cannot_be_reached_is_tried_again(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidecar.policy.followed.RETRY_S", 0.01)
    events = Events()
    source = following(elsewhere, events)
    elsewhere.told.put_nowait(Told(await elsewhere.activate()))
    await source.start()
    later = elsewhere.folder / "later.sock"
    elsewhere.told.put_nowait(Told(str(later)))
    await until(lambda: events.failures >= 2)
    assert source.problems == ("policy_unavailable: the policy engine cannot be reached",)
    assert source.generation is not None
    later.symlink_to(await elsewhere.activate(newer=DATA["datasets"]["fresh"]))
    await until(lambda: not source.problems)
    assert len(events.revisions) == 2
    await source.aclose()
