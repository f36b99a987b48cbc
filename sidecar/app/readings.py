"""What the rooms have counted, for the metrics page."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from sidecar.app.status import refusing
from sidecar.consent.verify import ConsentOff, ConsentVerifier
from sidecar.ledger.segments import Damaged
from sidecar.ship.cursor import CursorFile
from sidecar.ship.destination import ARCHIVE, OTLP
from sidecar.ship.lag import archive_lag, checkpoint_age_s, collector_lag
from sidecar.telemetry import metrics as names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sidecar.admin.meters import Reading
    from sidecar.app.self_check import SelfCheck
    from sidecar.app.shipping import Shipping
    from sidecar.audit.log import DurableLog
    from sidecar.audit.trail import Trail
    from sidecar.ledger.layout import Layout
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.policy import Policy
    from sidecar.proxy.front import Front
    from sidecar.ship.cursor import Cursor
    from sidecar.ship.lag import Lag


def policy_readings(policy: Policy) -> Iterator[Reading]:
    """The policy in use, its age, its cache."""
    seen = policy.status()
    yield names.DECISION_CACHE, [(["hit"], seen.cache.hits), (["miss"], seen.cache.misses)]
    yield names.DECISION_CACHE_ENTRIES, [([], seen.cache.entries)]
    active = [([seen.engine, policy.facts.rollout_revision], 1.0)] if policy.facts else []
    yield names.POLICY_INFO, active
    yield names.POLICY_PROBLEMS, [([], len(seen.last_error))]
    yield from _bundle_readings(policy.bundles)
    yield names.POLICY_REFUSING, [([], len(refusing(policy.facts)))]
    yield names.POLICY_ACTIVATED, _known(seen.activated_unix_s)
    yield names.POLICY_AGE, _known(seen.age_s)


def _bundle_readings(bundles: Sequence[BundleStatus]) -> Iterator[Reading]:
    yield (
        names.BUNDLE_INFO,
        [([one.name, "" if one.facts.holds_revocations else one.facts.revision], 1.0) for one in bundles],
    )
    yield names.BUNDLE_SEQUENCE, _told((one.name, one.facts.sequence) for one in bundles)
    yield names.BUNDLE_AGE, _told((one.name, one.age_s) for one in bundles)
    yield names.BUNDLE_PROBLEM, [([one.name], one.problem is not None) for one in bundles]
    yield names.BUNDLE_ROLLED_BACK, [([one.name], one.rolled_back) for one in bundles]


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


def shipping_readings(shipping: Shipping) -> Iterator[Reading]:
    """How far shipping has got: from cursors and log, so that it is true also while the process is dead.

    Shows nothing of a destination whose files cannot be read just now.
    """
    now_unix_s = time.time()
    layout = shipping.layout
    cursors = {name: _cursor(layout, name) for name in shipping.destinations}
    lags = {
        name: lag for name, cursor in cursors.items() if (lag := _lag(layout, name, cursor, now_unix_s)) is not None
    }
    yield names.SHIP_LAG_RECORDS, [([name], lag.records) for name, lag in lags.items()]
    yield names.SHIP_LAG, [([name], lag.age_s) for name, lag in lags.items()]
    yield names.SHIP_CHECKPOINT_AGE, _checkpoint_age(layout, cursors, now_unix_s)
    known = {name: cursor for name, cursor in cursors.items() if cursor is not None}
    yield names.SHIP_SHIPPED, [([name], cursor.shipped) for name, cursor in known.items()]
    yield names.SHIP_REJECTED, [([name], cursor.rejected) for name, cursor in known.items()]
    yield names.SHIP_CONFLICTS, [([name], known[name].conflicts) for name in (ARCHIVE,) if name in known]
    yield names.SHIP_RESTARTS, [([], shipping.restarts_total)]


def exposure_readings(check: SelfCheck) -> Iterator[Reading]:
    """By which ports the model server can be reached past the sidecar; nothing of ports that are not known yet."""
    yield names.MODEL_EXPOSED, _told((str(port), answers) for port, answers in check.answers.items())


def body_readings(front: Front) -> Iterator[Reading]:
    """What requests at work hold in memory."""
    yield names.BODY_BYTES, [([], front.body_bytes)]


def connection_readings(open_connections: Callable[[], int]) -> Iterator[Reading]:
    """Clients' connections, which only the server knows."""
    yield names.CONNECTIONS, [([], open_connections())]


def _known(value: float | None) -> list[tuple[list[str], float]]:
    return [] if value is None else [([], value)]


def _told(values: Iterable[tuple[str, float | None]]) -> list[tuple[list[str], float]]:
    return [([name], value) for name, value in values if value is not None]


def _cursor(layout: Layout, name: str) -> Cursor | None:
    with contextlib.suppress(OSError, ValueError):
        return CursorFile(layout.cursors, name).read()
    return None


def _lag(layout: Layout, name: str, cursor: Cursor | None, now_unix_s: float) -> Lag | None:
    measure = collector_lag if name == OTLP else archive_lag
    with contextlib.suppress(OSError, Damaged):
        return measure(layout, cursor, now_unix_s)
    return None


def _checkpoint_age(
    layout: Layout, cursors: Mapping[str, Cursor | None], now_unix_s: float
) -> list[tuple[list[str], float]]:
    with contextlib.suppress(OSError, Damaged):
        if ARCHIVE in cursors:
            return [([ARCHIVE], checkpoint_age_s(layout, cursors[ARCHIVE], now_unix_s))]
    return []
