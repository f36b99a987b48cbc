"""What tests of several rooms share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sidecar.ledger.opening import Terms
from sidecar.ledger.retention import Keep

if TYPE_CHECKING:
    from pathlib import Path

KEEP_ALL = Keep(age_s=1e12, size_bytes=1 << 60)
SEGMENT_BYTES = 1 << 20


class FixedClock:
    """A clock that stands until it is advanced."""

    def __init__(self, unix_s: float = 1_795_300_000.0) -> None:
        self._unix_s = unix_s
        self._monotonic_s = 1_000.0

    def unix_s(self) -> float:
        return self._unix_s

    def unix_ns(self) -> int:
        return int(self._unix_s * 1e9)

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        self._unix_s += seconds
        self._monotonic_s += seconds


def audit_terms(audit_dir: Path, *, segment_bytes: int = SEGMENT_BYTES, keep: Keep = KEEP_ALL) -> Terms:
    """Terms for the logs of an audit folder, with the keys beside it, as `sidecar run` has them by default."""
    key_file, public_file = (audit_dir.with_name(f"{audit_dir.name}.{suffix}") for suffix in ("key", "pub"))
    return Terms(key_file, public_file, segment_bytes, keep, "a-host")


def policy_data(now_s: float, **model: object) -> dict[str, Any]:
    """The data document for one model `credit` with all rules but `explanation` enforced, and dates around `now_s`.

    `model` replaces members of the model's facts.
    """
    dataset = {"consent_scopes": ["credit_scoring"], "parents": []}
    facts: dict[str, Any] = {
        "risk_tier": "high",
        "max_age_days": 30,
        "required_scopes": ["credit_scoring"],
        "instances_per_token": 1,
        "groups": ["a", "b"],
        "unknown_group": "deny",
        "band": 0.10,
        "disparate_impact_max": 1.5,
        "rules": {"explanation": "off"},
        "mitigation": {},
        "read": {
            "score": "output:score",
            "label": "output:label",
            "positive": {"label": "approve"},
            "score_range": [0, 1],
            "group": "header:X-Protected-Group",
        },
    }
    return {
        "models": {"credit": facts | model},
        "datasets": {
            "fresh": {"created_unix_s": now_s - 86_400, **dataset},
            "stale": {"created_unix_s": now_s - 80 * 86_400, **dataset},
        },
        "group_mean": {"credit": {"a": 0.50, "b": 0.48}},
        "revocations": {"tokens": {}, "subjects": {}},
        "objections": {"subjects": {}},
    }
