from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from sidecar.audit.salts import Salt
from sidecar.evidence.replay.engines import ENGINES_LIMIT, Engines, makers_for
from sidecar.evidence.replay.policies import PolicyUsed
from sidecar.model.refusal import Refused
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.problems import PolicyProblems
from tests.policies import bundle as one_module
from tests.policies import module, opa_binary, question
from tests.support import FixedClock
from tests.unit.evidence.replay.written import bundle, data

if TYPE_CHECKING:
    from pathlib import Path

SALTS = [Salt(f"2026-11-{day}", b"s" * 32) for day in range(10, 20)]


def engines() -> Engines:
    return Engines({"embedded": EmbeddedMaker(timeout_s=30, clock=FixedClock())})


def revoking(folder: Path) -> PolicyUsed:
    return PolicyUsed.of(bundle(folder, data() | {"revocations": {"tokens": {}, "subjects": {"s": {}}}}))


async def test_an_engine_is_made_once_a_policy_and_period(tmp_path: Path) -> None:
    policy = revoking(tmp_path)
    async with aclosing(engines()) as made:
        first = await made.engine("embedded", policy, SALTS[0])
        assert await made.engine("embedded", policy, SALTS[0]) is first
        assert await made.engine("embedded", policy, SALTS[1]) is not first


async def test_periods_share_an_engine_where_no_register_names_anybody(tmp_path: Path) -> None:
    policy = PolicyUsed.of(bundle(tmp_path, data()))
    async with aclosing(engines()) as made:
        first = await made.engine("embedded", policy, SALTS[0])
        assert await made.engine("embedded", policy, SALTS[1]) is first
        assert await made.engine("embedded", policy, None) is first


async def test_the_engine_not_used_for_longest_is_closed(tmp_path: Path) -> None:
    policy = revoking(tmp_path)
    async with aclosing(engines()) as made:
        oldest, used = [await made.engine("embedded", policy, salt) for salt in SALTS[:2]]
        for salt in (*SALTS[2:ENGINES_LIMIT], SALTS[0], SALTS[ENGINES_LIMIT]):
            await made.engine("embedded", policy, salt)
        assert (await oldest.decide(question().json)).revision == policy.bundle.revision
        with pytest.raises(Refused, match="closed"):
            await used.decide(question().json)
    with pytest.raises(Refused, match="closed"):
        await oldest.decide(question().json)


async def test_what_would_not_be_activated_is_not_replayed_with() -> None:
    policy = PolicyUsed.of(one_module(module("decision := 7")))
    async with aclosing(engines()) as made:
        with pytest.raises(PolicyProblems, match="policy_malformed"):
            await made.engine("embedded", policy, None)


def test_auto_has_all_kinds_and_another_has_one() -> None:
    assert opa_binary()
    assert {kind: sorted(makers_for(kind)) for kind in ("auto", "opa", "embedded")} == {
        "auto": ["embedded", "opa"],
        "opa": ["opa"],
        "embedded": ["embedded"],
    }


def test_the_kind_that_decided_is_taken_where_it_is_at_hand() -> None:
    both = Engines(makers_for("auto"))
    assert [both.kind_for(kind) for kind in ("opa", "embedded", None)] == ["opa", "embedded", "embedded"]
    assert engines().kind_for("opa") == "embedded"
