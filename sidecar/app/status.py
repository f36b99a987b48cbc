"""`/status`: what is enforced, in shadow or off, for each model, under which policy."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import sidecar
from sidecar.app.window_readings import window_status
from sidecar.policy.compose import SHIPPED_GUARDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.app.readiness import Readiness
    from sidecar.audit.log import DurableLog
    from sidecar.model.facts import Facts, ModelFacts
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.settings import Settings


def status(settings: Settings, readiness: Readiness, log: DurableLog) -> dict[str, object]:
    """Plain values, for people and for scripts."""
    policy, trail = readiness.policy, readiness.trail
    return {
        "version": sidecar.__version__,
        "ready": not readiness.reasons(),
        "unready_because": readiness.reasons(),
        "mode": settings.mode,
        "server": settings.server,
        "upstream": settings.upstream,
        "consent": settings.consent,
        "policy": asdict(policy.status()),
        "bundles": bundles(policy.bundles),
        "refusing_because": refusing(policy.facts),
        "models": models(policy.facts),
        "self_check": {
            "mode": settings.self_check,
            "host": settings.self_check_host,
            "exposed_ports": readiness.self_check.exposed,
        },
        "windows": window_status(readiness.windows.store.status()),
        "audit": {
            "dir": str(settings.audit_dir),
            "broken": trail.broken,
            "records": dict(trail.records_total),
            "open": trail.open_count,
            "log": log.log_id,
            "size": log.size,
            "unsigned": log.unsigned,
            "problem": log.problem,
        },
    }


def bundles(seen: Sequence[BundleStatus]) -> dict[str, object]:
    """By name, what a remote engine has; times in Unix seconds."""
    return {
        one.name: {
            **asdict(one.facts),
            "highest_sequence": one.highest_sequence,
            "age_s": one.age_s,
            "problem": one.problem,
            "rolled_back": one.rolled_back,
        }
        for one in seen
    }


def refusing(facts: Facts | None) -> list[str]:
    """Why requests are refused that no rule would refuse: guards that are absent, rules that nobody wrote."""
    if facts is None:
        return []
    absent = [f"guard {guard} is absent: every request is refused" for guard in facts.absent_guards]
    unknown = [
        f"model {model.name} names rule {rule}, which no guard has: its requests are refused"
        for model in facts.models.values()
        for rule in model.rules
        if rule not in facts.guards
    ]
    return absent or unknown  # where a guard is absent, the composed module lists none


def models(facts: Facts | None) -> dict[str, object]:
    """Each model's rules with their modes: a shipped rule that is not named is enforced."""
    known: Mapping[str, ModelFacts] = facts.models if facts else {}
    return {
        name: {
            "risk_tier": model.risk_tier,
            "rules": dict.fromkeys(SHIPPED_GUARDS, "enforce") | dict(model.rules),
        }
        for name, model in sorted(known.items())
    }
