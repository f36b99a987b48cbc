"""The same signed bundles in OPA and in the embedded engine: the same revision, decisions and state of each bundle."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from tests.bundled import embedded
from tests.bundles import (
    REVISION,
    SEQUENCE,
    Deployment,
    Kept,
    data_files,
    decided,
    manifest,
    revocations_files,
    running,
    signed,
)
from tests.policies import DATA, question, until
from tests.servers.bundles import bundle_server

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sidecar.model.decision import Decision
    from sidecar.policy.policy import Policy

pytestmark = pytest.mark.anyio

QUESTIONS = [
    question(),
    question(instances=2),
    question(phase="response", prediction={"status": 200, "scores": [0.9]}, window={"state": "insufficient_data"}),
    question(endpoint={"protocol": "v2", "operation": "infer", "model": "unknown", "version": None}),
    question(consent={"status": "missing"}),
]
AGE_DIFFERENCE_S = 8.0
"""An age is as of the latest answer: a long poll lasts 2 s, and OPA's status is looked at now and then."""


@asynccontextmanager
async def both(folder: Path) -> AsyncGenerator[tuple[Deployment, Policy, Policy]]:
    """A registry with all bundles; OPA behind a sidecar, and the embedded engine in one."""
    with bundle_server() as registry:
        it = Deployment(registry, folder)
        it.publish_all()
        with it.opa():
            async with running(it.policy(Kept())) as remote, running(embedded(it, Kept())) as ours:
                yield it, remote, ours


async def at(revision: str, *policies: Policy) -> None:
    await until(lambda: all(policy.revision == revision for policy in policies))


async def decisions(policy: Policy) -> list[Decision]:
    policy.snapshot()
    return [await policy.decide(one, cacheable=False) for one in QUESTIONS]


def states(policy: Policy) -> list[dict[str, Any]]:
    """Of each bundle, less its age; of a problem only that there is one: words are each engine's own."""
    return [asdict(one) | {"age_s": None, "problem": one.problem is not None} for one in policy.bundles]


def ages_s(policy: Policy) -> list[float]:
    return [-1.0 if one.age_s is None else one.age_s for one in policy.bundles]


async def test_both_engines_say_the_same_of_the_same_bundles(tmp_path: Path) -> None:
    async with both(tmp_path) as (it, remote, ours):
        await at(REVISION, remote, ours)
        assert await decisions(ours) == await decisions(remote)
        assert ours.facts == remote.facts
        assert states(ours) == states(remote)
        assert ages_s(ours) == pytest.approx(ages_s(remote), abs=AGE_DIFFERENCE_S)

        models = {"credit": DATA["models"]["credit"] | {"max_age_days": 1}}  # type: ignore[index]
        it.publish("data", "data-2", SEQUENCE + 2, files=data_files(models=models))
        it.publish("revocations", "revocations-2", SEQUENCE + 1, files=revocations_files({"7c": 1}))
        await at("data-2+policy-1+revocations-2+revocations-earlier-1", remote, ours)
        assert not (await decided(ours)).allow
        assert await decisions(ours) == await decisions(remote)
        await until(lambda: states(ours) == states(remote))


async def test_both_engines_go_on_with_the_last_good_bundle_and_call_it_old_alike(tmp_path: Path) -> None:
    async with both(tmp_path) as (it, remote, ours):
        await at(REVISION, remote, ours)
        it.registry.put("data", signed("data", data_files(), manifest("data", "data-2"), by="theirs"))
        await until(lambda: all(any(one.problem for one in policy.bundles) for policy in (remote, ours)))
        assert states(ours) == states(remote)
        assert [one.name for one in ours.bundles if one.problem] == ["data"]
        assert await decisions(ours) == await decisions(remote)
        it.registry.stop()
        await until(lambda: all(all(one.problem for one in policy.bundles) for policy in (remote, ours)))
        assert states(ours) == states(remote)
        assert ages_s(ours) == pytest.approx(ages_s(remote), abs=AGE_DIFFERENCE_S)
        it.registry.start()
        it.publish("data", "data-3", SEQUENCE + 3)
        await at("data-3+policy-1+revocations-1+revocations-earlier-1", remote, ours)
        await until(lambda: states(ours) == states(remote))
        assert [one.problem for one in ours.bundles] == [None] * 4
