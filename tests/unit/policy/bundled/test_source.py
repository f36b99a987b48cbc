"""Bundles of a server that can be stopped, as they are published: what is activated, what is refused, what goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sidecar.bundles.archive import write
from sidecar.policy.problems import PolicyProblems
from tests.bundled import embedded
from tests.bundles import (
    REVISION,
    ROOTS,
    SEQUENCE,
    Kept,
    Told,
    bundle_of,
    data_files,
    decided,
    manifest,
    modules,
    refusal,
    revocations_files,
    running,
    signed,
)
from tests.policies import until

if TYPE_CHECKING:
    from sidecar.policy.policy import Policy
    from tests.bundles import Deployment

pytestmark = pytest.mark.anyio


def problem_of(policy: Policy, name: str) -> str:
    return bundle_of(policy, name).problem or ""


async def test_bundles_decide_together_under_their_joined_revision(it: Deployment) -> None:
    async with running(embedded(it)) as policy:
        decision = await decided(policy)
        assert (decision.allow, decision.revision, policy.revision) == (True, REVISION, REVISION)
        assert [(bundle.name, bundle.facts.revision, bundle.highest_sequence) for bundle in policy.bundles] == [
            (name, f"{name}-1", SEQUENCE) for name in sorted(ROOTS)
        ]
        assert policy.status().last_error == ()
        assert policy.status().age_s is not None


async def test_what_is_published_decides_at_once(it: Deployment) -> None:
    told = Told()
    async with running(embedded(it, events=told)) as policy:
        assert (await decided(policy)).allow
        it.publish("revocations", "revocations-2", SEQUENCE + 1, files=revocations_files({"7c": 1}))
        await until(lambda: "revocations-2" in policy.revision)
        decision = await decided(policy)
        assert [reason.code for reason in decision.reasons] == ["consent_revoked"]
        it.publish("policy", "policy-2", SEQUENCE + 1)
        await until(lambda: "policy-2" in policy.revision)
        assert not (await decided(policy)).allow
        assert told.activations == [
            REVISION,
            "data-1+policy-1+revocations-2+revocations-earlier-1",
            "data-1+policy-2+revocations-2+revocations-earlier-1",
        ]


BAD = {
    "unsigned": (
        lambda: write({**modules(), ".manifest": manifest("policy", "policy-2").as_bytes()}),
        "it is not signed",
    ),
    "signed by another": (
        lambda: signed("policy", modules(), manifest("policy", "policy-2"), by="theirs"),
        "its signature does not verify: Signature verification failed",
    ),
    "signed for another bundle": (
        lambda: signed("policy", modules(), manifest("policy", "policy-2"), scope="data"),
        "it is signed for scope 'data', not 'policy'",
    ),
    "cut short": (
        lambda: signed("policy", modules(), manifest("policy", "policy-2"))[:-9],
        "it is cut short, or holds more than 134217728 bytes",
    ),
    "overlapping another's roots": (
        lambda: signed("policy", modules(), manifest("policy", "2", roots=("sidecar", "guards", "lib", "models/a"))),
        "bundles data and policy have roots that overlap: models",
    ),
    "no Rego": (
        lambda: signed("policy", {**modules(), "lib/x.rego": b"package lib.x\n\ny := {\n"}, manifest("policy", "2")),
        "policy/lib/x.rego:",
    ),
    "calling what no policy may": (
        lambda: signed(
            "policy",
            {**modules(), "lib/x.rego": b'package lib.x\n\ny := http.send({"method": "get", "url": "http://x"})\n'},
            manifest("policy", "2"),
        ),
        "http.send",
    ),
}


@pytest.mark.parametrize("bad", BAD)
async def test_what_is_bad_is_told_and_the_last_good_one_goes_on(it: Deployment, bad: str) -> None:
    archive, why = BAD[bad]
    async with running(embedded(it)) as policy:
        it.registry.put("policy", archive())
        await until(lambda: why in problem_of(policy, "policy"))
        assert (await decided(policy)).revision == REVISION
        assert [bundle.name for bundle in policy.bundles if bundle.problem] == ["policy"]
        it.publish("revocations", "revocations-2", SEQUENCE + 1)
        await until(lambda: "revocations-2" in policy.revision)
        it.publish("policy", "policy-3", SEQUENCE + 3)
        await until(lambda: "policy-3" in policy.revision)
        assert policy.status().last_error == ()


async def test_of_two_that_come_together_the_good_one_is_activated(it: Deployment) -> None:
    policy = embedded(it)
    async with running(policy):
        it.registry.stop()
        it.publish("data", "data-2", SEQUENCE + 2)
        it.registry.put("policy", BAD["no Rego"][0]())
        it.registry.start()
        await until(lambda: "data-2" in policy.revision and problem_of(policy, "policy"))
        assert (await decided(policy)).revision == "data-2+policy-1+revocations-1+revocations-earlier-1"


async def test_what_is_wrong_with_the_first_policy_is_told_and_mended(it: Deployment) -> None:
    it.registry.put("policy", BAD["calling what no policy may"][0]())
    async with running(embedded(it, start_wait_s=0)) as policy:
        await until(lambda: "http.send is not among the builtins" in problem_of(policy, "policy"))
        assert await refusal(policy) == "policy_unavailable"
        it.publish("policy", "policy-2", SEQUENCE + 2)
        await until(lambda: "policy-2" in policy.revision)
        assert (await decided(policy)).allow
        assert policy.status().last_error == ()


async def test_data_outside_of_its_roots_is_refused(it: Deployment) -> None:
    async with running(embedded(it)) as policy:
        it.publish("data", "data-2", files=data_files(revocations={"tokens": {}}))
        await until(lambda: problem_of(policy, "data"))
        assert problem_of(policy, "data") == "data.json: revocations is not below the bundle's roots"


async def test_a_bundle_that_is_larger_than_it_may_be_is_not_loaded(it: Deployment) -> None:
    async with running(embedded(it, size_limit_bytes=100_000)) as policy:
        files = data_files(datasets={f"d{number}": {"created_unix_s": number} for number in range(50_000)})
        it.publish("data", "data-2", SEQUENCE + 1, files=files)
        await until(lambda: "larger than 100000 bytes" in problem_of(policy, "data"))
        assert policy.revision == REVISION


async def test_an_older_bundle_is_refused_and_the_newer_one_goes_on(it: Deployment) -> None:
    told, memory = Told(), Kept()
    async with running(embedded(it, memory, told)) as policy:
        it.publish("data", "data-0", SEQUENCE - 1)
        await until(lambda: problem_of(policy, "data"))
        assert problem_of(policy, "data") == (
            f"bundle data: rolled back to sequence {SEQUENCE - 1} after {SEQUENCE}; publish it under a new sequence"
        )
        assert (await decided(policy)).revision == REVISION
        assert not bundle_of(policy, "data").rolled_back
        it.publish("data", "data-2", SEQUENCE + 1)
        await until(lambda: "data-2" in policy.revision)
    assert [[bundle.sequence for bundle in older] for older in told.rollbacks] == [[SEQUENCE - 1]]


async def test_where_there_is_nothing_but_older_bundles_nothing_is_decided(it: Deployment) -> None:
    memory = Kept()
    async with running(embedded(it, memory, persist=False)):
        pass
    it.publish("data", "data-0", SEQUENCE - 1)
    async with running(embedded(it, memory, persist=False, start_wait_s=0)) as policy:
        await until(lambda: any(bundle.rolled_back for bundle in policy.bundles))
        assert await refusal(policy) == "policy_rolled_back"
        it.publish("data", "data-2", SEQUENCE + 1)
        await until(lambda: "data-2" in policy.revision)
        assert (await decided(policy)).allow


async def test_a_restart_without_the_server_goes_on_with_what_was_kept_at_its_true_age(it: Deployment) -> None:
    memory = Kept()
    async with running(embedded(it, memory)):
        pass
    it.registry.stop()
    it.clock.shift_s = 600
    async with running(embedded(it, memory)) as policy:
        assert (await decided(policy)).revision == REVISION
        age_s = policy.status().age_s
        assert age_s is not None
        assert 600 <= age_s < 700
        it.clock.shift_s = 1_200
        assert await refusal(policy) == "policy_too_old"
        it.registry.start()
        await until(lambda: (policy.status().age_s or 0) < 100)
        assert (await decided(policy)).revision == REVISION
        await until(lambda: policy.status().last_error == ())


async def test_what_was_kept_is_verified_again(it: Deployment) -> None:
    async with running(embedded(it)):
        pass
    kept = it.folder / "kept" / f"data@{SEQUENCE}.tar.gz"
    kept.write_bytes(signed("data", data_files(objections={"subjects": {}}), manifest("data", "data-9"), by="theirs"))
    it.registry.stop()
    async with running(embedded(it, start_wait_s=0)) as policy:
        assert await refusal(policy) == "policy_unavailable"
        assert "its signature does not verify" in problem_of(policy, "data")


async def test_a_disk_that_takes_nothing_holds_up_no_revocation(it: Deployment) -> None:
    async with running(embedded(it)) as policy:
        kept = it.folder / "kept"
        kept.rename(it.folder / "elsewhere")
        kept.write_bytes(b"no folder")
        it.publish("revocations", "revocations-2", SEQUENCE + 1, files=revocations_files({"7c": 1}))
        await until(lambda: "revocations-2" in policy.revision)
        assert not (await decided(policy)).allow
        await until(lambda: "it cannot be kept on the disk" in problem_of(policy, "revocations"))
        kept.unlink()
        await until(lambda: policy.status().last_error == ())
        assert (kept / f"revocations@{SEQUENCE + 1}.tar.gz").is_file()


async def test_without_server_and_disk_calls_are_refused_until_there_is_one(it: Deployment) -> None:
    it.registry.stop()
    async with running(embedded(it, start_wait_s=0)) as policy:
        assert await refusal(policy) == "policy_unavailable"
        it.registry.start()
        await until(lambda: policy.revision == REVISION)
        assert (await decided(policy)).allow


async def test_a_memory_that_cannot_be_read_stops_the_start(it: Deployment) -> None:
    policy = embedded(it, Kept(b"{"))
    with pytest.raises(PolicyProblems, match="what was known of bundles cannot be read"):
        await policy.start()
    await policy.aclose()
