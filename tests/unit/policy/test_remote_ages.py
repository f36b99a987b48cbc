"""How old bundles are while the registry is away, whatever starts again: a real OPA, and a clock put forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bundles import CREATED_UNIX_S, REVISION, Kept, decided, refusal, running
from tests.policies import until

if TYPE_CHECKING:
    from tests.bundles import Deployment


MINUTES_S = 60.0


async def test_without_the_registry_decisions_go_on_until_the_policy_is_too_old(it: Deployment) -> None:
    with it.opa():
        async with running(it.policy()) as policy:
            it.registry.stop()
            await until(lambda: all(bundle.problem for bundle in policy.bundles))
            for _ in range(10):
                it.clock.shift_s += MINUTES_S
                assert (await decided(policy)).allow
            age_s = policy.status().age_s
            assert age_s is not None
            assert 600 <= age_s < 660
            it.clock.shift_s += 5 * MINUTES_S
            assert await refusal(policy) == "policy_too_old"
            it.registry.start()
            await until(lambda: not policy.status().last_error)
            # OPA's clock, which tells when it asked, was not put forward.
            it.clock.shift_s = 0
            await policy.refresh()
            assert (await decided(policy)).allow


async def test_an_opa_that_starts_from_its_disk_is_no_younger_for_it(it: Deployment) -> None:
    async with running(it.policy(start_wait_s=0.1)) as policy:
        with it.opa():
            await until(lambda: policy.revision == REVISION and (policy.status().age_s or 1e9) < 60)
            it.registry.stop()
        await until(lambda: policy.status().last_error)
        it.clock.shift_s += 10 * MINUTES_S
        with it.opa():
            await until(lambda: [bundle.problem is None for bundle in policy.bundles] == [False] * 4)
            assert (await decided(policy)).allow
            age_s = policy.status().age_s
            assert age_s is not None
            assert 600 <= age_s < 660
            it.clock.shift_s += 5 * MINUTES_S
            assert await refusal(policy) == "policy_too_old"


@pytest.mark.parametrize("remembers", [True, False])
async def test_a_sidecar_that_starts_while_the_registry_is_dead_knows_how_old_the_bundles_are(
    it: Deployment, *, remembers: bool
) -> None:
    """From its memory; without one from the bundles' own word, which is all that is known of them then."""
    kept = Kept()
    with it.opa():
        async with running(it.policy(kept)) as policy:
            await until(lambda: (policy.status().age_s or 1e9) < 60)
    it.registry.stop()
    it.clock.shift_s += 10 * MINUTES_S
    with it.opa():
        async with running(it.policy(kept if remembers else None)) as policy:
            await until(
                lambda: all(bundle.problem for bundle in policy.bundles) and policy.status().age_s != float("inf")
            )
            age_s = policy.status().age_s
            assert age_s is not None
            if remembers:
                assert 600 <= age_s < 660
                assert (await decided(policy)).allow
            else:
                assert age_s == pytest.approx(it.clock.unix_s() - CREATED_UNIX_S, abs=5)
                assert await refusal(policy) == "policy_too_old"
