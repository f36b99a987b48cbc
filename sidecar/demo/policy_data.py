"""The policy's data for the demo: what a registry would hold of the model, its data and its people."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sidecar.demo.applications import GROUPS
from sidecar.demo.model_server import NAME
from sidecar.demo.skewed import SKEWED

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY_S = 86_400
MAX_AGE_DAYS = 30
FRESH_AGE_DAYS = 5
AGED_AGE_DAYS = 20
"""Within the limit, but not within half of it: the calls that a tighter limit would refuse."""
STALE_AGE_DAYS = 80
BAND = 0.10
DISPARATE_IMPACT_MAX = 1.5
SCOPE = "credit_scoring"
THROTTLE_RATE_PER_S = 1
THROTTLE_HOLD_S = 5
"""For who watches; in production minutes or hours, so that somebody can look into it."""


@dataclass(frozen=True, slots=True)
class DataVersions:
    """The names of the data versions that calls use; `unknown` is in no registry."""

    fresh: str
    aged: str
    stale: str
    unknown: str = "loans-of-unknown-origin"


def data_versions(now_unix_s: float) -> DataVersions:
    """Named after the days on which they were made."""
    return DataVersions(*[_name(now_unix_s, days) for days in (FRESH_AGE_DAYS, AGED_AGE_DAYS, STALE_AGE_DAYS)])


def _name(now_unix_s: float, age_days: int) -> str:
    return time.strftime("loans-%Y-%m-%d", time.gmtime(now_unix_s - age_days * DAY_S))


_THROTTLE: Mapping[str, object] = {
    "action": "throttle",
    "rate_per_s": THROTTLE_RATE_PER_S,
    "hold_s": THROTTLE_HOLD_S,
}


def policy_data(now_unix_s: float, group_means: Mapping[str, float]) -> dict[str, object]:
    """The data document (contract of the policy's data: docs/writing-policies.md).

    `fairness_band` is in shadow: it would refuse most honest predictions of a model that tells people apart,
    as the report shows.
    """
    versions = data_versions(now_unix_s)
    return {
        "models": {NAME: _model(), SKEWED: _skewed_model()},
        "datasets": {
            versions.fresh: _dataset(now_unix_s, FRESH_AGE_DAYS),
            versions.aged: _dataset(now_unix_s, AGED_AGE_DAYS),
            versions.stale: _dataset(now_unix_s, STALE_AGE_DAYS),
        },
        "group_mean": {NAME: dict(group_means)},
        "revocations": {"tokens": {}, "subjects": {}},
        "objections": {"subjects": {}},
    }


def _model() -> dict[str, object]:
    return {
        "risk_tier": "high",
        "max_age_days": MAX_AGE_DAYS,
        "required_scopes": [SCOPE],
        "instances_per_token": 1,
        "groups": list(GROUPS),
        "unknown_group": "deny",
        "band": BAND,
        "disparate_impact_max": DISPARATE_IMPACT_MAX,
        "rules": {
            "provenance": "enforce",
            "staleness": "enforce",
            "consent": "enforce",
            "fairness_band": "shadow",
            "group_mean_band": "enforce",
            "disparate_impact": "enforce",
            "explanation": "off",
        },
        "mitigation": {
            "group_mean_band": {"action": "flag_review"},
            "disparate_impact": dict(_THROTTLE),
        },
        "read": {
            "score": "output:score",
            "label": "output:label",
            "positive": {"label": "approve"},
            "score_range": [0, 1],
            "group": "claim:group",
        },
    }


def _skewed_model() -> dict[str, object]:
    """As the other one, but for the rules on scores: there is no group's mean for it to be held to."""
    model = _model()
    rules = cast("dict[str, str]", model["rules"])
    return {**model, "rules": {**rules, "fairness_band": "off", "group_mean_band": "off"}}


def _dataset(now_unix_s: float, age_days: int) -> dict[str, object]:
    created_unix_s = int(now_unix_s) - age_days * DAY_S
    return {"created_unix_s": created_unix_s, "consent_scopes": [SCOPE], "parents": []}
