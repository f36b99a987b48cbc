from __future__ import annotations

import asyncio
import json
import shutil
from typing import TYPE_CHECKING

import pytest

from sidecar.policy.bundle import build
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.events import NoEvents
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.watch import DirectorySource, fingerprint
from tests.policies import DATA, REGO, until
from tests.support import FixedClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from sidecar.policy.bundle import Bundle
    from sidecar.policy.port import Engine

CONSENT = "guards/consent/request/consent.rego"


class Told(NoEvents):
    """Events, waited for."""

    def __init__(self) -> None:
        self.revisions: asyncio.Queue[str] = asyncio.Queue()
        self.failures: asyncio.Queue[None] = asyncio.Queue()

    def activated(self, revision: str) -> None:
        self.revisions.put_nowait(revision)

    def activation_failed(self) -> None:
        self.failures.put_nowait(None)


class Maker(EmbeddedMaker):
    """Keeps the engines it made, to see which are closed."""

    def __init__(self) -> None:
        super().__init__(timeout_s=5, clock=FixedClock())
        self.engines: list[Engine] = []

    async def make(self, bundle: Bundle) -> Engine:
        self.engines.append(await super().make(bundle))
        return self.engines[-1]


class Watched:
    """A copy of the shipped rules with data, under watch."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "rego"
        self.data = folder / "data.json"
        shutil.copytree(REGO, self.root)
        self.data.write_text(json.dumps(DATA))
        self.told = Told()
        self.maker = Maker()
        self.clock = FixedClock()
        self.source = DirectorySource(self.root, self.data, self.maker, self.clock, events=self.told, poll_s=0.02)

    @property
    def revision(self) -> str:
        assert self.source.generation is not None
        return self.source.generation.facts.revision


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Watched]:
    monkeypatch.setattr("sidecar.policy.watch.SETTLE_S", 0.02)
    watched = Watched(tmp_path)
    yield watched
    await watched.source.aclose()


async def started(watched: Watched) -> str:
    await watched.source.start()
    return await watched.told.revisions.get()


async def test_the_first_activation(watched: Watched) -> None:
    assert watched.source.generation is None
    revision = await started(watched)
    assert (watched.revision, watched.source.kind, watched.source.restarts) == (revision, "embedded", 0)
    assert (watched.source.problems, watched.source.age_s(), watched.source.steady) == ((), None, True)


async def test_a_broken_first_policy_is_no_start(watched: Watched) -> None:
    (watched.root / CONSENT).write_text("package guards.consent.request\n\ndefault pass := false\n\npass if")
    with pytest.raises(PolicyProblems, match=r"consent\.rego"):
        await watched.source.start()
    assert watched.source.generation is None


async def test_an_edit_takes_effect_and_the_old_engine_is_closed(watched: Watched) -> None:
    first = await started(watched)
    watched.data.write_text(json.dumps(DATA | {"group_mean": {"credit": {"a": 0.6}}}))
    second = await watched.told.revisions.get()
    assert first != second == watched.revision
    path = watched.root / CONSENT
    path.write_text(path.read_text() + "\n# changed\n")
    assert await watched.told.revisions.get() not in {first, second}
    await until(lambda: len(watched.maker.engines) == 3)
    answers = [await asyncio.gather(engine.facts(), return_exceptions=True) for engine in watched.maker.engines]
    assert [isinstance(answer, Exception) for (answer,) in answers] == [True, True, False]


class Kept:
    """Keeps archives, or cannot."""

    def __init__(self) -> None:
        self.archives: dict[str, bytes] = {}
        self.is_full = False

    def keep(self, revision: str, archive: bytes) -> None:
        if self.is_full:
            raise OSError("no space left")
        self.archives[revision] = archive


async def test_each_policy_is_kept_before_it_decides(watched: Watched) -> None:
    kept = Kept()
    watched.source = DirectorySource(
        watched.root, watched.data, watched.maker, watched.clock, events=watched.told, keeper=kept, poll_s=0.02
    )
    first = await started(watched)
    built = build(watched.root, watched.data)
    assert kept.archives == {first: built.archive()}
    kept.is_full = True
    watched.data.write_text(json.dumps(DATA | {"group_mean": {}}))
    await watched.told.failures.get()
    assert watched.revision == first
    assert watched.source.problems == ("the policy cannot be kept for replay: no space left",)
    kept.is_full = False
    await until(lambda: watched.clock.advance(10.0) or not watched.told.revisions.empty())
    assert kept.archives.keys() == {first, watched.revision}


async def test_a_touched_file_is_no_new_policy(watched: Watched) -> None:
    revision = await started(watched)
    (watched.root / CONSENT).touch()
    watched.data.write_text(json.dumps(DATA, indent=1))
    changed = watched.root / "guards" / "staleness" / "request" / "staleness.rego"
    changed.write_text(changed.read_text() + "\n# changed\n")
    assert await watched.told.revisions.get() != revision
    assert len(watched.maker.engines) == 2


async def test_a_broken_edit_keeps_the_last_good_policy_until_it_is_mended(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    revision = await started(watched)
    path = watched.root / CONSENT
    good = path.read_text()
    path.write_text(good + "\nbroken :=")
    await watched.told.failures.get()
    assert watched.revision == revision
    assert "consent.rego" in watched.source.problems[0]
    assert "the change is not activated" in caplog.text
    path.write_text(good)
    await until(lambda: not watched.source.problems)
    assert watched.revision == revision
    assert len(watched.maker.engines) == 1


async def test_broken_data_keeps_the_last_good_policy(watched: Watched) -> None:
    revision = await started(watched)
    watched.data.write_text(json.dumps(DATA)[:-9])  # half saved
    await watched.told.failures.get()
    watched.data.write_text(json.dumps({"sidecar": {"decision": {"allow": True}}}))
    await watched.told.failures.get()
    assert watched.revision == revision
    watched.data.unlink()
    await watched.told.failures.get()
    assert watched.revision == revision


async def test_a_deleted_shipped_guard_is_activated_and_told(
    watched: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    revision = await started(watched)
    (watched.root / CONSENT).unlink()
    assert await watched.told.revisions.get() != revision
    assert watched.source.generation is not None
    assert watched.source.generation.facts.absent_guards == ("consent.request",)
    assert "requests are refused: consent.request" in caplog.text


async def test_a_failure_that_lies_elsewhere_is_tried_again(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    await started(watched)
    failures = [PolicyProblems(["no memory"]), RuntimeError("unforeseen")]
    real_make = watched.maker.make

    async def make(bundle: Bundle) -> Engine:
        if failures:
            raise failures.pop(0)
        return await real_make(bundle)

    monkeypatch.setattr(watched.maker, "make", make)
    watched.data.write_text(json.dumps(DATA | {"group_mean": {}}))
    await watched.told.failures.get()
    assert watched.source.problems == ("no memory",)
    await until(lambda: watched.clock.advance(10.0) or not watched.told.failures.empty())
    assert watched.source.problems == ("unexpected: RuntimeError",)
    await until(lambda: watched.clock.advance(10.0) or not watched.told.revisions.empty())
    assert watched.source.problems == ()


def test_the_fingerprint_is_of_rego_and_data_alone(tmp_path: Path) -> None:
    root, data = tmp_path / "rego", tmp_path / "data.json"
    (root / "..2026").mkdir(parents=True)
    (root / "a.rego").write_text("package a")
    data.write_text("{}")
    first = fingerprint(root, data)
    (root / "notes.md").write_text("x")
    (root / "..2026" / "a.rego").write_text("package a")
    assert fingerprint(root, data) == first
    (root / "b.rego").write_text("package b")
    second = fingerprint(root, data)
    data.unlink()
    assert len({first, second, fingerprint(root, data), fingerprint(tmp_path / "none", None)}) == 4
