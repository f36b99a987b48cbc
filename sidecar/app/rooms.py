"""Opening each room by the settings: context managers that raise `StartProblems` with all that is wrong in it."""

from __future__ import annotations

import contextlib
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sidecar
from sidecar.app.bundle_file import BundleFile
from sidecar.app.problems import StartProblems
from sidecar.app.shipping import Shipping, check_archive, shipping_room
from sidecar.audit.opening import AuditLogError, open_log
from sidecar.audit.refusals import Quota
from sidecar.audit.salts import Salts
from sidecar.audit.trail import Trail
from sidecar.consent.jwks import KeySetError
from sidecar.consent.keys import open_keys
from sidecar.consent.pseudonym import load_pseudonyms
from sidecar.consent.verify import ConsentOff, ConsentVerifier, Expectations
from sidecar.http1.pool import Pool
from sidecar.http1.target import Target
from sidecar.ledger.layout import Layout
from sidecar.ledger.opening import Terms
from sidecar.ledger.retention import Keep
from sidecar.model.refusal import Refused
from sidecar.policy.child import find_opa
from sidecar.policy.make import child_policy, embedded_policy, remote_policy
from sidecar.policy.problems import PolicyProblems
from sidecar.proxy.upstream import Upstream
from sidecar.ship.destination import ARCHIVE, OTLP

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.audit.log import DurableLog
    from sidecar.audit.port import AuditLog
    from sidecar.model.budget import Budget
    from sidecar.model.clock import Clock
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.policy import Policy
    from sidecar.policy.watch import Keeper
    from sidecar.settings import Settings

logger = logging.getLogger("sidecar")

_DAY_S = 86_400

SLOT = "0"
"""The worker slot whose log this process writes; more slots come with more workers."""

T = TypeVar("T")


async def opened(
    stack: contextlib.AsyncExitStack, room: contextlib.AbstractAsyncContextManager[T], problems: list[str]
) -> T | None:
    """The room, closed with the stack; None where it could not be opened, its problems added to the list."""
    try:
        return await stack.enter_async_context(room)
    except StartProblems as found:
        problems += found.problems
        return None


def shipped(name: str) -> Path:
    """A folder that comes with the package (`rego`, `examples`): inside a wheel, or beside it in a checkout."""
    package = Path(sidecar.__file__).parent
    inside = package / "shipped" / name
    return inside if inside.is_dir() else package.parent / name


@contextlib.asynccontextmanager
async def policy_room(
    settings: Settings, clock: Clock, events: PolicyEvents, keeper: Keeper | None = None
) -> AsyncGenerator[Policy]:
    """A policy whose first activation is done (of a remote OPA: asked for). `keeper` gets each one for replay."""
    policy = _make_policy(settings, clock, events, keeper)
    try:
        await policy.start()
    except PolicyProblems as found:
        raise StartProblems(list(found.problems)) from None
    try:
        if not settings.consent_required:
            _require_consent_off(policy)
        yield policy
    finally:
        await policy.aclose()


def _make_policy(settings: Settings, clock: Clock, events: PolicyEvents, keeper: Keeper | None) -> Policy:
    mode, timeout_s = settings.mode, settings.policy_timeout_ms / 1_000
    if settings.opa is not None:
        return remote_policy(
            Target.parse(settings.opa),
            mode=mode,
            timeout_s=timeout_s,
            max_age_s=settings.policy_max_age,
            clock=clock,
            events=events,
            memory=BundleFile(settings.audit_dir),
        )
    root, data = settings.policy or shipped("rego"), settings.data
    binary = None if settings.engine == "embedded" else find_opa()
    if binary is not None:
        return child_policy(
            binary, root, data, mode=mode, timeout_s=timeout_s, clock=clock, events=events, keeper=keeper
        )
    if settings.engine == "opa":
        raise StartProblems(["--engine opa: no opa is on PATH; scripts/install-opa gets it"])
    return embedded_policy(root, data, mode=mode, timeout_s=timeout_s, clock=clock, events=events, keeper=keeper)


def _require_consent_off(policy: Policy) -> None:
    """Contract 2: "`--consent off` is accepted only where every model's rule `consent` is `off`"."""
    facts = policy.facts
    models = facts.models.values() if facts else ()
    checked = sorted(model.name for model in models if model.rules.get("consent") != "off")
    if checked:
        raise StartProblems([f"--consent off, but rule `consent` is not off for: {', '.join(checked)}"])


@contextlib.asynccontextmanager
async def consent_room(settings: Settings, clock: Clock) -> AsyncGenerator[ConsentVerifier | ConsentOff]:
    """Verification of consent tokens with its keys loaded; with `--consent off` none, whatever else is given."""
    source, issuer, audience = settings.consent_keys, settings.consent_issuer, settings.consent_audience
    if not settings.consent_required or source is None or issuer is None or audience is None:
        yield ConsentOff()
        return
    try:
        keys = open_keys(source, settings.consent_algorithms, clock)
        await keys.load()
        expected = Expectations(
            issuer,
            audience,
            settings.consent_leeway_s,
            settings.consent_algorithms,
        )
    except KeySetError as found:
        raise StartProblems([f"--consent-keys: {found}"]) from None
    except ValueError as found:
        raise StartProblems([f"consent: {found}"]) from None
    try:
        is_new = not settings.subject_key_file.exists()
        pseudonyms = load_pseudonyms(settings.subject_key_file)
    except (OSError, ValueError) as found:
        raise StartProblems([f"--subject-key: {found}"]) from None
    if is_new:
        logger.warning(
            "made a new key for subjects' pseudonyms, %s: revocations and objections are keyed by it, so keep a copy, "
            "and in production give --subject-key from a secret",
            settings.subject_key_file,
        )
    try:
        yield ConsentVerifier(keys, expected, pseudonyms, clock)
    finally:
        await keys.aclose()


async def hold_against_archive(settings: Settings) -> None:
    """Before anything is written or shipped: what is refused stays as it was found. Raises StartProblems."""
    layout = Layout(settings.audit_dir / SLOT)
    if settings.audit_archive is not None and layout.checkpoint.exists():
        await check_archive(layout, settings.audit_public_file, settings.audit_archive)


@contextlib.asynccontextmanager
async def log_room(settings: Settings, clock: Clock) -> AsyncGenerator[DurableLog]:
    """The audit log of this worker's slot, locked."""
    try:
        log = open_log(
            settings.audit_dir / SLOT, _terms(settings), clock, required=settings.audit_delivery == "required"
        )
    except AuditLogError as found:
        raise StartProblems([f"--audit-dir: {found}"]) from None
    try:
        log.start()
        yield log
    finally:
        await log.aclose()


def shipping_of(settings: Settings) -> contextlib.AbstractAsyncContextManager[Shipping]:
    """Shipping of this worker's slot, to be entered before its log: what the log's close leaves is shipped last."""
    return shipping_room(Layout(settings.audit_dir / SLOT), otlp=settings.otlp, archive=settings.audit_archive)


def _terms(settings: Settings) -> Terms:
    destinations = {OTLP: settings.otlp, ARCHIVE: settings.audit_archive}
    return Terms(
        key_file=settings.audit_key_file,
        public_file=settings.audit_public_file,
        segment_bytes=settings.audit_segment,
        keep=Keep(
            settings.audit_keep,
            settings.audit_keep_bytes,
            [name for name, destination in destinations.items() if destination is not None],
        ),
        host=socket.gethostname(),
        rotate_s=min(settings.audit_rotate, settings.audit_keep),
        archived=settings.audit_archive is not None,
    )


@contextlib.asynccontextmanager
async def trail_room(settings: Settings, clock: Clock, log: AuditLog, engine: str) -> AsyncGenerator[Trail]:
    """The audit trail over an open log."""
    salts = Salts(settings.audit_dir, clock)
    with contextlib.suppress(Refused):  # told in the log; each call is refused until there is one
        salts.current()
    trail = Trail(log, salts, clock, engine=engine, mode=settings.mode, quota=_quota(settings))
    try:
        yield trail
    finally:
        await trail.aclose()


def _quota(settings: Settings) -> Quota:
    """Refusals that anybody can cause never take more than a quarter of what is kept."""
    bytes_per_s = settings.audit_keep_bytes / 4 / settings.audit_keep
    return Quota(bytes_per_s, burst_bytes=max(bytes_per_s * _DAY_S, 1 << 20))


@contextlib.asynccontextmanager
async def upstream_room(settings: Settings, budget: Budget) -> AsyncGenerator[Upstream]:
    """The model server's connections; nothing is connected yet."""
    pool = Pool(
        Target.parse(settings.upstream),
        max_connections=settings.upstream_connections,
        response_limit_bytes=settings.body_limit,
        budget=budget,
    )
    try:
        yield Upstream(
            pool,
            timeout_s=settings.upstream_timeout_s,
            stream_timeout_s=settings.stream_timeout_s,
            limit_bytes=settings.body_limit,
            budget=budget,
        )
    finally:
        await pool.aclose()
