"""What the rooms have counted, for the metrics page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar import telemetry as names
from sidecar.app.status import refusing
from sidecar.consent.verify import ConsentOff, ConsentVerifier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sidecar.admin.meters import Reading
    from sidecar.audit.log import DurableLog
    from sidecar.audit.trail import Trail
    from sidecar.policy.policy import Policy
    from sidecar.proxy.front import Front


def policy_readings(policy: Policy) -> Iterator[Reading]:
    """The policy in use, its age, its cache."""
    seen = policy.status()
    yield names.DECISION_CACHE, [(["hit"], seen.cache.hits), (["miss"], seen.cache.misses)]
    yield names.DECISION_CACHE_ENTRIES, [([], seen.cache.entries)]
    active = [([seen.engine, seen.revision], 1.0)] if seen.revision else []
    yield names.POLICY_INFO, active
    yield names.POLICY_PROBLEMS, [([], len(seen.last_error))]
    yield names.POLICY_REFUSING, [([], len(refusing(policy.facts)))]
    yield names.POLICY_ACTIVATED, _known(seen.activated_unix_s)
    yield names.POLICY_AGE, _known(seen.age_s)


def consent_readings(consent: ConsentVerifier | ConsentOff) -> Iterator[Reading]:
    """Tokens by result, and the key set; nothing where consent is off."""
    if isinstance(consent, ConsentOff):
        for metric in (
            names.CONSENT_RESULTS,
            names.CONSENT_CACHE_HITS,
            names.CONSENT_KEY_REFRESHES,
            names.CONSENT_KEY_FAILURES,
        ):
            yield metric, []
        return
    yield names.CONSENT_RESULTS, [([status.value], count) for status, count in consent.results_total.items()]
    yield names.CONSENT_CACHE_HITS, [([], consent.cache_hits_total)]
    yield names.CONSENT_KEY_REFRESHES, [([], consent.key_refreshes_total)]
    yield names.CONSENT_KEY_FAILURES, [([], consent.key_failures_total)]


def audit_readings(trail: Trail, log: DurableLog) -> Iterator[Reading]:
    """Records, and the state of the log that keeps them."""
    yield names.AUDIT_RECORDS, [([kind], count) for kind, count in trail.records_total.items()]
    yield names.AUDIT_FAILURES, [([], trail.failures_total)]
    yield names.AUDIT_SUMMARISED, [([], trail.summarised_total)]
    yield names.AUDIT_OPEN, [([], trail.open_count)]
    yield names.AUDIT_DROPPED, [([], log.dropped_total)]
    yield names.AUDIT_UNSIGNED, [([], log.unsigned)]
    yield names.AUDIT_RESERVED, [([], log.is_reserved)]
    yield names.AUDIT_HOUSEKEEPING_FAILURES, [([], log.housekeeping_failures_total)]


def body_readings(front: Front) -> Iterator[Reading]:
    """What requests at work hold in memory."""
    yield names.BODY_BYTES, [([], front.body_bytes)]


def connection_readings(open_connections: Callable[[], int]) -> Iterator[Reading]:
    """Clients' connections, which only the server knows."""
    yield names.CONNECTIONS, [([], open_connections())]


def _known(value: float | None) -> list[tuple[list[str], float]]:
    return [] if value is None else [([], value)]
