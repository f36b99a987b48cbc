"""Opening each room by the settings: context managers that raise `StartProblems` with all that is wrong in it."""

from __future__ import annotations

import contextlib
import logging
import socket
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import sidecar
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
from sidecar.ledger.opening import Terms
from sidecar.ledger.retention import Keep
from sidecar.model.refusal import Refused
from sidecar.proxy.upstream import Upstream
from sidecar.ship.destination import ARCHIVE, OTLP

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from sidecar.audit.log import DurableLog
    from sidecar.audit.port import AuditLog
    from sidecar.ledger.layout import Layout
    from sidecar.model.budget import Budget
    from sidecar.model.clock import Clock
    from sidecar.settings import Settings

logger = logging.getLogger("sidecar")

_DAY_S = 86_400

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


async def hold_against_archive(settings: Settings, layout: Layout) -> None:
    """Before anything is written or shipped: what is refused stays as it was found. Raises StartProblems."""
    if settings.audit_archive is not None and layout.checkpoint.exists():
        await check_archive(layout, settings.audit_public_file, settings.audit_archive)


@contextlib.asynccontextmanager
async def log_room(settings: Settings, clock: Clock, layout: Layout) -> AsyncGenerator[DurableLog]:
    """The audit log of one slot, locked."""
    try:
        log = open_log(layout.slot_dir, _terms(settings), clock, required=settings.audit_delivery == "required")
    except AuditLogError as found:
        raise StartProblems([f"--audit-dir: {found}"]) from None
    try:
        log.start()
        yield log
    finally:
        await log.aclose()


def shipping_of(settings: Settings, layout: Layout) -> contextlib.AbstractAsyncContextManager[Shipping]:
    """Shipping of one slot, to be entered before its log: what the log's close leaves is shipped last."""
    return shipping_room(layout, otlp=settings.otlp, archive=settings.audit_archive)


@contextlib.asynccontextmanager
async def left_over_room(settings: Settings, clock: Clock, layout: Layout) -> AsyncGenerator[None]:
    """The log of a slot that no worker has any more: concluded, signed, shipped and kept, and not written to.

    Raises StartProblems.
    """
    await hold_against_archive(settings, layout)
    async with shipping_of(settings, layout), log_room(settings, clock, layout):
        logger.info("the audit log in %s is kept; nothing is written to it: fewer --workers", layout.slot_dir)
        yield


def _terms(settings: Settings) -> Terms:
    destinations = {OTLP: settings.otlp, ARCHIVE: settings.audit_archive}
    return Terms(
        key_file=settings.audit_key_file,
        public_file=settings.audit_public_file,
        segment_bytes=settings.audit_segment,
        keep=Keep(
            settings.audit_keep,
            settings.audit_keep_bytes // settings.workers,
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
    bytes_per_s = settings.audit_keep_bytes / settings.workers / 4 / settings.audit_keep
    return Quota(bytes_per_s, burst_bytes=max(bytes_per_s * _DAY_S, 1 << 20))


@contextlib.asynccontextmanager
async def upstream_room(settings: Settings, budget: Budget) -> AsyncGenerator[Upstream]:
    """The model server's connections; nothing is connected yet."""
    pool = Pool(
        Target.parse(settings.upstream),
        max_connections=-(-settings.upstream_connections // settings.workers),
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
