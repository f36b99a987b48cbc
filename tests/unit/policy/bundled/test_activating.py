from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.model.clock import SystemClock
from sidecar.policy.bundle_watch import BundleWatch
from sidecar.policy.bundled.activating import Activating
from sidecar.policy.bundled.disk import Disk
from sidecar.policy.bundled.opening import open_bundle
from sidecar.policy.bundled.state import BundleState, Candidate
from sidecar.policy.embedded import EmbeddedEngine
from sidecar.policy.problems import PolicyProblems
from tests.bundles import FILES, REVISION, ROOTS, SEQUENCE, Kept, Told, manifest, modules, signed
from tests.policies import question
from tests.unit.policy.bundled.test_opening import spec

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.binding import Regorus

pytestmark = pytest.mark.anyio


def candidate(name: str, revision: str, sequence: int = SEQUENCE) -> Candidate:
    files = modules() if name == "policy" else FILES[name]
    archive = signed(name, files, manifest(name, revision, sequence))
    return Candidate(open_bundle(spec(name), archive), archive)


def states() -> dict[str, BundleState]:
    """All bundles, each a candidate that is to persist."""
    return {
        name: BundleState(spec(name, persist=True), candidate=candidate(name, f"{name}-1")) for name in sorted(ROOTS)
    }


class Closing(EmbeddedEngine):
    """An engine that tells when it is closed."""

    closed: tuple[str, ...] = ()

    async def aclose(self) -> None:
        Closing.closed = (*Closing.closed, self._revision)
        await super().aclose()


@pytest.fixture
def memory() -> Kept:
    return Kept()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def activating(tmp_path: Path, memory: Kept, told: Told) -> Activating:
    clock = SystemClock()
    Closing.closed = ()

    def engine_of(regorus: Regorus, revision: str) -> Closing:
        return Closing(regorus, revision, timeout_s=5, clock=clock)

    return Activating(engine_of, clock, BundleWatch(clock, memory), Disk(tmp_path / "kept"), told)


async def test_candidates_become_active_and_are_kept(
    activating: Activating, memory: Kept, told: Told, tmp_path: Path
) -> None:
    known = states()
    archives = {name: state.candidate.archive for name, state in known.items() if state.candidate}
    await activating.activate(known, list(known))
    assert activating.generation is not None
    facts = activating.generation.facts
    assert (facts.revision, told.activations, Closing.closed) == (REVISION, [REVISION], ())
    assert {name: bundle.sequence for name, bundle in facts.bundles.items()} == dict.fromkeys(ROOTS, SEQUENCE)
    assert [state.candidate for state in known.values()] == [None] * 4
    assert {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()} == {
        f"{name}@{SEQUENCE}.tar.gz": archive for name, archive in archives.items()
    }
    assert memory.writes == 1


async def test_the_former_engine_is_closed_when_the_next_decides(activating: Activating) -> None:
    known = states()
    await activating.activate(known, list(known))
    known["data"].candidate = candidate("data", "data-2", SEQUENCE + 1)
    await activating.activate(known, ["data"])
    assert activating.generation is not None
    assert Closing.closed == ()
    await activating.let_go()
    assert Closing.closed == (REVISION,)
    answer = await activating.generation.engine.decide(question().json)
    assert answer.revision == "data-2+policy-1+revocations-1+revocations-earlier-1"


async def test_what_fails_leaves_the_former_one_active_and_nothing_of_it_behind(
    activating: Activating, tmp_path: Path, told: Told
) -> None:
    known = states()
    await activating.activate(known, list(known))
    former, kept = activating.generation, (tmp_path / "kept" / f"data@{SEQUENCE}.tar.gz").read_bytes()
    known["data"].candidate = candidate("data", "data-0", SEQUENCE - 1)
    with pytest.raises(PolicyProblems, match="rolled back"):
        await activating.activate(known, ["data"])
    bad = open_bundle(
        spec("policy"), signed("policy", {"sidecar/x.rego": b"package sidecar\n"}, manifest("policy", "2"))
    )
    known["policy"].candidate = Candidate(bad, b"")
    with pytest.raises(PolicyProblems, match="not a valid rule path"):
        await activating.activate(known, ["policy"])
    assert activating.generation is former
    assert told.activations == [REVISION]
    assert kept == (tmp_path / "kept" / f"data@{SEQUENCE}.tar.gz").read_bytes()
