"""Settings in, connected parts out."""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sidecar.admin.meters import Meters
from sidecar.app.journal import Journal
from sidecar.app.policy_room import followed_room, policy_room
from sidecar.app.probing import Prober
from sidecar.app.problems import StartProblems
from sidecar.app.readiness import Readiness
from sidecar.app.readings import (
    audit_readings,
    body_readings,
    consent_readings,
    exposure_readings,
    policy_readings,
    shipping_readings,
)
from sidecar.app.rooms import (
    consent_room,
    hold_against_archive,
    left_over_room,
    log_room,
    opened,
    shipping_of,
    trail_room,
    upstream_room,
)
from sidecar.app.seat import ALONE
from sidecar.app.self_check import self_check_room
from sidecar.app.views import OwnViews
from sidecar.app.window_readings import window_readings
from sidecar.app.windows import AfterRebuilding, Windows
from sidecar.app.workers.counters import Counted
from sidecar.audit.policies import KeptPolicies
from sidecar.model.clock import SystemClock
from sidecar.protocols.base import Limits
from sidecar.protocols.servers import server
from sidecar.proxy.admission import Admission
from sidecar.proxy.exchange import Exchange
from sidecar.proxy.front import Front
from sidecar.proxy.incoming import HttpLimits
from sidecar.proxy.judge import Judge
from sidecar.proxy.reading import MessageReader, new_threads
from sidecar.proxy.recording import Recording

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator
    from concurrent.futures import ThreadPoolExecutor

    from sidecar.admin.app import Views
    from sidecar.app.seat import Seat
    from sidecar.app.shipping import Shipping
    from sidecar.audit.log import DurableLog
    from sidecar.audit.trail import Trail
    from sidecar.consent.verify import ConsentOff, ConsentVerifier
    from sidecar.fairness.window import Store
    from sidecar.model.budget import Budget
    from sidecar.model.clock import Clock
    from sidecar.policy.policy import Policy
    from sidecar.proxy.ports import PolicyPoint
    from sidecar.proxy.upstream import Upstream
    from sidecar.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """A connected sidecar: policy activated, audit log open, nothing served yet."""

    policy: Policy
    windows: Windows
    trail: Trail
    log: DurableLog
    front: Front
    limits: HttpLimits
    connections: Budget
    readiness: Readiness
    meters: Meters
    views: Views


@contextlib.asynccontextmanager
async def assemble(settings: Settings, seat: Seat = ALONE) -> AsyncGenerator[Parts]:
    """Opens every room and closes them in reverse. Raises StartProblems with what is wrong in all of them."""
    clock = SystemClock()
    meters = Meters(settings.server)
    journal = Journal(meters)
    layout = seat.layout(settings)
    problems: list[str] = []
    async with contextlib.AsyncExitStack() as stack:
        policy = await opened(stack, _policy(settings, clock, journal, seat), problems)
        consent = await opened(stack, consent_room(settings, clock), problems)
        try:
            await hold_against_archive(settings, layout)
        except StartProblems as found:
            raise StartProblems([*problems, *found.problems]) from None
        shipping = await opened(stack, shipping_of(settings, layout), problems)
        log = await opened(stack, log_room(settings, clock, layout), problems)
        for left_over in seat.left_over(settings):
            await opened(stack, left_over_room(settings, clock, left_over), problems)
        if problems or policy is None or consent is None or shipping is None or log is None:
            raise StartProblems(problems)
        trail = await stack.enter_async_context(trail_room(settings, clock, log, policy.kind))
        journal.join(trail)
        windows = await stack.enter_async_context(contextlib.aclosing(Windows(settings, clock, log.log_id, seat)))
        if policy.facts is not None:
            await windows.rebuild(policy.facts)
        budget = seat.budget(Counted.BODY_BYTES, settings.body_budget)
        upstream = await stack.enter_async_context(upstream_room(settings, budget))
        threads = stack.enter_context(new_threads())
        exchange = _exchange(
            settings,
            clock,
            policy=policy if windows.is_rebuilt else AfterRebuilding(policy, windows),
            consent=consent,
            windows=windows.store,
            trail=trail,
            upstream=upstream,
            meters=meters,
            threads=threads,
            budget=budget,
        )
        limits = _http_limits(settings)
        front = Front(exchange, limits, budget, seat.budget(Counted.REQUESTS, settings.max_in_flight))
        self_check = await stack.enter_async_context(self_check_room(settings, trail))
        readiness = Readiness(policy, windows, trail, self_check)
        connections = seat.budget(Counted.CONNECTIONS, settings.max_connections)
        views = OwnViews(settings, readiness, meters, trail, log, Prober(settings.probes).probes)
        parts = Parts(policy, windows, trail, log, front, limits, connections, readiness, meters, views)
        _watch(parts, consent, shipping)
        yield parts


def _policy(
    settings: Settings, clock: Clock, journal: Journal, seat: Seat
) -> contextlib.AbstractAsyncContextManager[Policy]:
    if seat.engine is not None:
        return followed_room(settings, clock, journal, seat.engine)
    return policy_room(settings, clock, journal, KeptPolicies(settings.audit_dir, clock))


def _exchange(
    settings: Settings,
    clock: Clock,
    *,
    policy: PolicyPoint,
    consent: ConsentVerifier | ConsentOff,
    windows: Store,
    trail: Trail,
    upstream: Upstream,
    meters: Meters,
    threads: ThreadPoolExecutor,
    budget: Budget,
) -> Exchange:
    kind = replace(server(settings.server), default_model=settings.default_model)
    judge = Judge(
        policy=policy,
        consent=consent,
        window=windows,
        reader=MessageReader(_limits(settings), kind.codings, threads),
        listed_headers=frozenset(name.lower().encode() for name in settings.input_headers),
        skew_timeout_s=settings.policy_timeout_ms / 1_000,
        explain_path=kind.explain_path,
    )
    return Exchange(
        admission=Admission(kind, judge, windows, metadata_allowed=settings.metadata == "allow"),
        judge=judge,
        upstream=upstream,
        recording=Recording(trail, windows, windows, settings.mode),
        observer=meters,
        clock=clock,
        budget=budget,
        mode=settings.mode,
    )


def _watch(parts: Parts, consent: ConsentVerifier | ConsentOff, shipping: Shipping) -> None:
    meters = parts.meters
    meters.bound_by(lambda: parts.policy.facts)
    meters.watch(lambda: policy_readings(parts.policy))
    meters.watch(lambda: consent_readings(consent))
    meters.watch(lambda: window_readings(parts.windows.store.status()))
    meters.watch(lambda: audit_readings(parts.trail, parts.log))
    meters.watch(lambda: shipping_readings(shipping))
    meters.watch(lambda: exposure_readings(parts.readiness.self_check))
    meters.watch(lambda: body_readings(parts.front))


def _limits(settings: Settings) -> Limits:
    return Limits(max_instances=settings.max_instances, decoded_bytes=settings.body_limit)


def _http_limits(settings: Settings) -> HttpLimits:
    return HttpLimits(
        body_limit_bytes=settings.body_limit,
        body_budget_bytes=settings.body_budget,
        max_in_flight=settings.max_in_flight,
        max_connections=settings.max_connections,
        keep_alive_time_s=math.inf if settings.keep_alive_time is None else settings.keep_alive_time,
    )
