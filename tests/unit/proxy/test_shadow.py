from __future__ import annotations

import pytest

from sidecar.model.reasons import CATALOGUE, Reason
from sidecar.proxy.shadow import ALWAYS_REFUSED, must_refuse

PASSES_IN_SHADOW = {
    "policy_unavailable", "policy_timeout", "policy_undefined", "policy_malformed", "policy_too_old",
    "policy_rolled_back", "revision_skew", "attribute_missing", "attribute_conflict", "attribute_malformed",
    "attribute_truncated", "body_malformed", "media_type_unsupported", "consent_missing", "consent_invalid",
    "consent_expired", "data_version_unknown", "model_unknown", "data_stale", "data_in_future",
    "consent_scope_mismatch", "consent_data_mismatch", "consent_revoked", "instances_exceed_consent",
    "score_out_of_band", "group_mean_out_of_band", "group_mean_missing", "group_unknown", "disparate_impact",
    "explanation_missing", "stream_forbidden", "shared_memory_forbidden", "model_throttled", "prediction_unreadable",
}  # fmt: skip


def test_every_reason_is_decided_one_way_or_the_other() -> None:
    assert set(CATALOGUE) - ALWAYS_REFUSED == PASSES_IN_SHADOW


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_enforcing_refuses_everything(code: str) -> None:
    assert must_refuse("enforce", [Reason(code, "x")])


def test_one_reason_that_must_refuse_is_enough() -> None:
    assert must_refuse("shadow", [Reason("data_stale", "x"), Reason("endpoint_unknown", "x")])
    assert not must_refuse("shadow", [Reason("data_stale", "x"), Reason("authored", "x")])
