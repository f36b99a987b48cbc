"""Bundles that are older than they were, by a real OPA: nothing is decided until they are mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.policy.sequences import RolledBack
from tests.bundles import REVISION, SEQUENCE, Kept, Told, bundle_of, decided, modules, refusal, running
from tests.policies import until

if TYPE_CHECKING:
    from tests.bundles import Deployment


@pytest.mark.parametrize("sequence", [SEQUENCE + 1, None])
async def test_a_rollback_decides_nothing_until_it_is_published_anew(it: Deployment, sequence: int | None) -> None:
    told, kept = Told(), Kept()
    it.publish("data", "data-2", SEQUENCE + 2)
    with it.opa():
        async with running(it.policy(kept, told)) as policy:
            assert (await decided(policy)).allow
            it.publish("data", "data-1", sequence)
            await until(lambda: policy.status().last_error)
            assert await refusal(policy) == "policy_rolled_back"
            assert policy.revision == REVISION.replace("data-1", "data-2")
            data = bundle_of(policy, "data")
            assert (data.facts.sequence, data.highest_sequence) == (sequence, SEQUENCE + 2)
            (problem,) = policy.status().last_error
            assert problem.startswith("bundle data: rolled back to ")
            assert problem.endswith(f" after {SEQUENCE + 2}; publish it under a new sequence")
            await policy.refresh()
        assert told.rollbacks == [(RolledBack("data", sequence, SEQUENCE + 2),)]
        # A restart of the sidecar forgets nothing.
        async with running(it.policy(kept, start_wait_s=0.2)) as policy:
            await until(lambda: bundle_of(policy, "data").rolled_back)
            assert await refusal(policy) == "policy_rolled_back"
            it.publish("data", "data-1", SEQUENCE + 3)
            await until(lambda: not policy.status().last_error)
            assert (await decided(policy)).revision == REVISION
            assert not bundle_of(policy, "data").rolled_back


async def test_going_back_to_the_newest_mends_a_rollback_too(it: Deployment) -> None:
    told = Told()
    it.publish("data", "data-2", SEQUENCE + 2)
    with it.opa():
        async with running(it.policy(events=told)) as policy:
            it.publish("data", "data-1", SEQUENCE + 1)
            await until(lambda: policy.status().last_error)
            it.publish("data", "data-2", SEQUENCE + 2)
            await until(lambda: not policy.status().last_error)
            assert (await decided(policy)).allow
    assert told.activations == [REVISION.replace("data-1", "data-2")]


async def test_a_policy_that_tells_nothing_of_bundles_hides_no_rollback(it: Deployment) -> None:
    """As one that was composed before facts told of bundles."""
    composed = "sidecar/composed.rego"
    silent = {**modules(), composed: modules()[composed].replace(b'"bundles": bundles,', b"")}
    with it.opa():
        async with running(it.policy()) as policy:
            it.publish("policy", "policy-2", SEQUENCE + 1, files=silent)
            await until(lambda: policy.status().last_error)
            assert await refusal(policy) == "policy_rolled_back"


async def test_a_sequence_is_kept_before_it_decides(it: Deployment) -> None:
    class Full(Kept):
        full = False

        def replace(self, content: bytes) -> None:
            if self.full:
                raise OSError(28, "No space left on device")
            super().replace(content)

    kept = Full()
    with it.opa():
        async with running(it.policy(kept)) as policy:
            kept.full = True
            it.publish("data", "data-2", SEQUENCE + 1)
            await until(lambda: "sequences cannot be kept" in " ".join(policy.status().last_error))
            assert policy.revision == REVISION
            kept.full = False
            await until(lambda: policy.revision == REVISION.replace("data-1", "data-2"))
