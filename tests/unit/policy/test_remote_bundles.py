"""Signed bundles from a registry, by a real OPA: what is bad is not activated, what is missing decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.bundles.archive import read, write
from sidecar.model.facts import BundleFacts
from tests.bundles import (
    CREATED_UNIX_S,
    REVISION,
    ROOTS,
    SEQUENCE,
    Deployment,
    Told,
    bundle_of,
    data_files,
    decided,
    manifest,
    refusal,
    revocations_files,
    running,
    signed,
)
from tests.policies import until
from tests.servers.bundles import BundleServer, bundle_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


async def test_four_bundles_are_one_policy(it: Deployment) -> None:
    with it.opa():
        async with running(it.policy()) as policy:
            decision = await decided(policy)
            assert (decision.allow, decision.revision) == (True, REVISION)
            assert [bundle.name for bundle in policy.bundles] == sorted(ROOTS)
            data = bundle_of(policy, "data")
            assert data.facts == BundleFacts("data-1", ROOTS["data"], SEQUENCE, CREATED_UNIX_S)
            assert (data.highest_sequence, data.problem, data.rolled_back) == (SEQUENCE, None, False)
            await until(lambda: all((bundle.age_s or 1e9) < 60 for bundle in policy.bundles))
            it.publish("revocations", "revocations-2", SEQUENCE + 1, files=revocations_files({"7c": 1}))
            await until(lambda: "revocations-2" in policy.revision)
            assert [reason.code for reason in (await decided(policy)).reasons] == ["consent_revoked"]


def unsigned(_: Deployment) -> bytes:
    return write({**data_files(), ".manifest": manifest("data", "data-2", SEQUENCE + 1).as_bytes()})


def signed_by_another(_: Deployment) -> bytes:
    return signed("data", data_files(), manifest("data", "data-2", SEQUENCE + 1), by="somebody")


def signed_for_another_bundle(_: Deployment) -> bytes:
    return signed("data", data_files(), manifest("data", "data-2", SEQUENCE + 1), scope="revocations")


def changed_after_signing(_: Deployment) -> bytes:
    files = read(signed("data", data_files(), manifest("data", "data-2", SEQUENCE + 1)))
    return write({**files, **data_files(models={})})


def with_anothers_roots(_: Deployment) -> bytes:
    roots = (*ROOTS["data"], "guards/consent")
    return signed("data", data_files(), manifest("data", "data-2", SEQUENCE + 1, roots=roots))


def beyond_its_roots(_: Deployment) -> bytes:
    return signed("data", data_files(sidecar={}), manifest("data", "data-2", SEQUENCE + 1))


def of_no_archive(_: Deployment) -> bytes:
    return b"no archive at all"


def cut_short(_: Deployment) -> bytes:
    whole = signed("data", data_files(), manifest("data", "data-2", SEQUENCE + 1))
    return whole[: len(whole) // 2]


def with_broken_rego(_: Deployment) -> bytes:
    files = {**data_files(), "models/broken.rego": b"package models\n\nallow if {"}
    return signed("data", files, manifest("data", "data-2", SEQUENCE + 1))


BAD = [
    unsigned,
    signed_by_another,
    signed_for_another_bundle,
    changed_after_signing,
    with_anothers_roots,
    beyond_its_roots,
    of_no_archive,
    cut_short,
    with_broken_rego,
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
async def test_a_bundle_that_is_bad_is_told_and_the_last_good_one_goes_on(
    it: Deployment, bad: Callable[[Deployment], bytes]
) -> None:
    told = Told()
    with it.opa():
        async with running(it.policy(events=told)) as policy:
            it.registry.put("data", bad(it))
            await until(lambda: bundle_of(policy, "data").problem)
            decision = await decided(policy)
            assert (decision.allow, decision.revision) == (True, REVISION)
            (problem,) = policy.status().last_error
            assert problem.startswith("bundle data: ")
            assert bundle_of(policy, "data").facts.revision == "data-1"
            it.publish("data", "data-3", SEQUENCE + 2)
            await until(lambda: policy.revision == REVISION.replace("data-1", "data-3"))
            await until(lambda: not policy.status().last_error)
    assert told.activations == [REVISION, REVISION.replace("data-1", "data-3")]


async def test_a_bad_bundle_at_the_first_start_is_told_and_nothing_is_decided(it: Deployment) -> None:
    it.registry.put("data", signed_by_another(it))
    with it.opa():
        async with running(it.policy(start_wait_s=0.2)) as policy:
            await until(lambda: any("bundle data: " in problem for problem in policy.status().last_error))
            assert await refusal(policy) == "policy_unavailable"
            it.publish("data", "data-1")
            await until(lambda: policy.revision == REVISION)
            assert (await decided(policy)).allow


async def test_until_all_bundles_are_there_nothing_is_decided(tmp_path: Path) -> None:
    """From the policy alone OPA would say that no model is registered, which is no word for a client."""
    with bundle_server() as registry:
        it = Deployment(registry, tmp_path)
        it.publish("policy", "policy-1")
        with it.opa():
            async with running(it.policy(start_wait_s=0.2)) as policy:
                await until(lambda: "has not activated all its bundles yet" in " ".join(policy.status().last_error))
                assert await refusal(policy) == "policy_unavailable"
                it.publish_all()
                await until(lambda: policy.revision == REVISION)
                assert (await decided(policy)).allow


async def test_an_opa_that_lost_its_bundles_decides_nothing_from_a_part_of_them(it: Deployment) -> None:
    async with running(it.policy(start_wait_s=0.1)) as policy:
        with it.opa(persist=False):
            await until(lambda: policy.revision == REVISION and not policy.status().last_error)
        it.registry.stop()
        started_again = BundleServer()
        started_again.port = it.registry.port
        it.registry = started_again
        it.publish("policy", "policy-1")
        it.registry.start()
        try:
            with it.opa(persist=False):
                await until(lambda: "has not activated all its bundles yet" in " ".join(policy.status().last_error))
                assert await refusal(policy) == "policy_unavailable"
                it.publish_all()
                await until(lambda: not policy.status().last_error)
                assert (await decided(policy)).allow
        finally:
            it.registry.stop()
