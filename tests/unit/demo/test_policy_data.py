from __future__ import annotations

from typing import Any

from sidecar.demo.policy_data import data_versions, policy_data
from sidecar.policy.data_document import check_data

NOW_UNIX_S = 1_795_300_000.0  # 21 November 2026
MEANS = {"white": 0.9, "black": 0.8, "hispanic": 0.8}
DAY_S = 86_400


def test_data_versions_are_named_after_their_days() -> None:
    versions = data_versions(NOW_UNIX_S)
    named = (versions.fresh, versions.aged, versions.stale)
    assert named == ("loans-2026-11-16", "loans-2026-11-01", "loans-2026-09-02")


def test_of_three_versions_one_is_too_old_and_another_would_be_by_half_the_limit() -> None:
    document: dict[str, Any] = policy_data(NOW_UNIX_S, MEANS)
    versions = data_versions(NOW_UNIX_S)
    limit_s = document["models"]["credit"]["max_age_days"] * DAY_S
    ages_s = {name: NOW_UNIX_S - facts["created_unix_s"] for name, facts in document["datasets"].items()}
    assert ages_s.keys() == {versions.fresh, versions.aged, versions.stale}
    assert ages_s[versions.fresh] < limit_s / 2 < ages_s[versions.aged] < limit_s < ages_s[versions.stale]


def test_document_is_one_that_the_sidecar_accepts() -> None:
    document: dict[str, Any] = policy_data(NOW_UNIX_S, MEANS)
    assert check_data(document) == []
    assert document["group_mean"] == {"credit": MEANS}
    assert document["models"]["credit"]["rules"]["fairness_band"] == "shadow"


def test_the_skewed_model_is_judged_as_the_other_one_but_for_its_scores() -> None:
    models: Any = policy_data(NOW_UNIX_S, MEANS)["models"]
    credit, skewed = models["credit"], models["credit-skewed"]
    assert {name for name in credit if credit[name] != skewed[name]} == {"rules"}
    differing = {rule for rule, mode in credit["rules"].items() if skewed["rules"][rule] != mode}
    assert differing == {"fairness_band", "group_mean_band"}
    assert skewed["rules"]["disparate_impact"] == "enforce"
    assert skewed["mitigation"]["disparate_impact"] == {"action": "throttle", "rate_per_s": 1, "hold_s": 5}
