from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sidecar.audit.policies import KeptPolicies
from sidecar.audit.salts import Salt
from sidecar.evidence.replay.policies import Candidate, PolicyUsed, Recorded, candidate_of
from sidecar.evidence.replay.reads import FEATURES, HAS_EXPLANATION, SUBJECT, TOKEN_ID
from sidecar.evidence.replay.rows import Place, Row, Skipped, Why
from sidecar.policy.problems import PolicyProblems
from tests.policies import REGO
from tests.support import FixedClock
from tests.unit.evidence.replay.written import LOG, bundle, data

if TYPE_CHECKING:
    from pathlib import Path

    from sidecar.policy.bundle import Bundle

PLACE = Place(LOG, 7, "d", "request", "credit", "a")
SALT = Salt("2026-11-21", b"s" * 32)


def row(revision: str) -> Row:
    return Row(PLACE, {}, {}, revision, None, None)


@pytest.fixture
def policy(tmp_path: Path) -> Bundle:
    return bundle(tmp_path, data())


def keep(folder: Path, revision: str, archive: bytes) -> None:
    KeptPolicies(folder, FixedClock()).keep(revision, archive)


def test_each_row_has_the_policy_that_decided_it(tmp_path: Path, policy: Bundle) -> None:
    keep(tmp_path, policy.revision, policy.archive())
    found = Recorded(tmp_path).of(row(policy.revision))
    assert isinstance(found, PolicyUsed)
    assert found.bundle == policy
    assert Recorded.candidate is None


@pytest.mark.parametrize("revision", ["0" * 16, "a+b", ""])
def test_a_policy_that_is_not_kept_is_named(tmp_path: Path, revision: str) -> None:
    expected = Skipped(PLACE, Why.POLICY_NOT_KEPT, f"policy {revision or '?'}")
    assert Recorded(tmp_path).of(row(revision)) == expected


def test_a_kept_policy_that_is_another_or_broken_is_damaged(tmp_path: Path, policy: Bundle) -> None:
    other = bundle(tmp_path, data(max_age_days=15))
    keep(tmp_path, policy.revision, other.archive())
    keep(tmp_path, other.revision, other.archive()[:-9])
    recorded = Recorded(tmp_path)
    for revision in (policy.revision, other.revision):
        assert recorded.of(row(revision)) == Skipped(PLACE, Why.POLICY_DAMAGED, f"policy {revision}")


def test_a_candidate_judges_every_row(policy: Bundle) -> None:
    candidate = Candidate(policy)
    found = candidate.of(row("0" * 16))
    assert isinstance(found, PolicyUsed)
    assert (candidate.candidate, found.bundle) == (policy.revision, policy)


def test_a_candidate_is_a_folder_with_data_or_a_bundle(tmp_path: Path, policy: Bundle) -> None:
    archive = tmp_path / "bundle.tar.gz"
    archive.write_bytes(policy.archive())
    assert candidate_of(REGO, tmp_path / "data.json") == candidate_of(archive) == policy
    with pytest.raises(PolicyProblems, match="has its own data"):
        candidate_of(archive, tmp_path / "data.json")
    (tmp_path / "empty").mkdir()
    with pytest.raises(PolicyProblems, match=f"no .* file found in {tmp_path}/empty"):
        candidate_of(tmp_path / "empty")
    with pytest.raises(PolicyProblems, match="No such file"):
        candidate_of(tmp_path / "absent.tar.gz")


def test_what_is_known_of_a_policy_beforehand(policy: Bundle) -> None:
    used = PolicyUsed.of(policy)
    assert used.reads_of("credit", "request") == {SUBJECT, TOKEN_ID}
    assert used.reads_of("credit", "response") == frozenset()
    assert used.reads_of("another", "response") == {HAS_EXPLANATION}
    assert not used.registers


def test_a_fallback_that_a_guard_computes_reads_features(tmp_path: Path) -> None:
    document: dict[str, Any] = data()
    document["models"]["credit"]["mitigation"] = {"fairness_band": {"action": "fallback", "by": "credit_scoring"}}
    used = PolicyUsed.of(bundle(tmp_path, document))
    assert used.reads_of("credit", "response") == frozenset()
    assert used.fallbacks_of("credit", "response") == ({"fairness_band"}, {FEATURES})
    assert used.fallbacks_of("another", "response") == (frozenset(), frozenset())


def test_a_periods_bundle_differs_in_its_registers_keys_alone(tmp_path: Path) -> None:
    document: dict[str, Any] = data() | {"revocations": {"tokens": {}, "subjects": {"s": {}}}}
    policy = bundle(tmp_path, document)
    used = PolicyUsed.of(policy)
    keyed = used.under(SALT)
    assert used.registers
    assert orjson.loads(keyed.data_json) == document | {
        "revocations": {"tokens": {}, "subjects": {SALT.digest(b"s"): {}}}
    }
    assert (keyed.revision, keyed.modules) == (policy.revision, policy.modules)
    assert used.under(None) is policy


def test_without_entries_no_period_needs_a_bundle_of_its_own(policy: Bundle) -> None:
    assert PolicyUsed.of(policy).under(SALT) is policy
