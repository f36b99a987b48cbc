"""Opening the policy's room by the settings: which engine, with what, and what it is held against.

Engines and bundles are imported where they are chosen: a start waits for none that it does not use.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from sidecar.app.problems import StartProblems
from sidecar.app.rooms import shipped
from sidecar.http1.target import Target
from sidecar.policy.make import child_policy, embedded_policy, remote_policy
from sidecar.policy.policy import Policy
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncGenerator
    from pathlib import Path

    from sidecar.model.clock import Clock
    from sidecar.policy.cross_check import CrossCheck
    from sidecar.policy.events import PolicyEvents
    from sidecar.policy.followed import Told
    from sidecar.policy.watch import Keeper
    from sidecar.settings import Settings


@contextlib.asynccontextmanager
async def policy_room(
    settings: Settings, clock: Clock, events: PolicyEvents, keeper: Keeper | None = None
) -> AsyncGenerator[Policy]:
    """A policy whose first activation is done (of a remote OPA: asked for). `keeper` gets each one for replay."""
    async with contextlib.AsyncExitStack() as stack:
        check = None
        if settings.cross_check_share > 0 and settings.opa is not None:
            check = _cross_check(Target.parse(settings.opa), settings.cross_check_share, clock, events)
            check.start()
            stack.push_async_callback(check.aclose)
        try:
            policy = _make_policy(settings, clock, events, keeper, check)
            stack.push_async_callback(policy.aclose)
            await policy.start()
        except PolicyProblems as found:
            raise StartProblems(list(found.problems)) from None
        if not settings.consent_required:
            _require_consent_off(policy)
        yield policy


def _cross_check(opa: Target, share: float, clock: Clock, events: PolicyEvents) -> CrossCheck:
    from sidecar.policy.cross_check import CrossCheck  # noqa: PLC0415
    from sidecar.policy.opa import OpaClient  # noqa: PLC0415

    return CrossCheck(OpaClient(opa, clock), share, clock, events)


def _make_policy(
    settings: Settings, clock: Clock, events: PolicyEvents, keeper: Keeper | None, check: CrossCheck | None
) -> Policy:
    """Raises `PolicyProblems` for a file of bundles that is none."""
    if settings.bundles is not None:
        return _bundled(settings, settings.bundles, clock, events, check)
    if settings.opa is not None:
        return _remote(settings, Target.parse(settings.opa), clock, events)
    mode, timeout_s = settings.mode, settings.policy_timeout_ms / 1_000
    root, data = settings.policy or shipped("rego"), settings.data
    binary = None if settings.engine == "embedded" else _find_opa()
    if binary is not None:
        return child_policy(
            binary, root, data, mode=mode, timeout_s=timeout_s, clock=clock, events=events, keeper=keeper
        )
    if settings.engine == "opa":
        raise StartProblems(["--engine opa: no opa is on PATH; scripts/install-opa gets it"])
    return embedded_policy(root, data, mode=mode, timeout_s=timeout_s, clock=clock, events=events, keeper=keeper)


def _bundled(settings: Settings, file: Path, clock: Clock, events: PolicyEvents, check: CrossCheck | None) -> Policy:
    from sidecar.app.bundle_file import BundleFile  # noqa: PLC0415
    from sidecar.policy.bundled.config import load_config  # noqa: PLC0415
    from sidecar.policy.bundled.make import bundled_policy  # noqa: PLC0415

    return bundled_policy(
        load_config(file),
        settings.audit_dir / "bundles",
        mode=settings.mode,
        timeout_s=settings.policy_timeout_ms / 1_000,
        max_age_s=settings.policy_max_age,
        clock=clock,
        events=events,
        memory=BundleFile(settings.audit_dir),
        check=check,
    )


def _remote(settings: Settings, opa: Target, clock: Clock, events: PolicyEvents) -> Policy:
    from sidecar.app.bundle_file import BundleFile  # noqa: PLC0415

    return remote_policy(
        opa,
        mode=settings.mode,
        timeout_s=settings.policy_timeout_ms / 1_000,
        max_age_s=settings.policy_max_age,
        clock=clock,
        events=events,
        memory=BundleFile(settings.audit_dir),
    )


def _find_opa() -> Path | None:
    from sidecar.policy.child import find_opa  # noqa: PLC0415

    return find_opa()


def _require_consent_off(policy: Policy) -> None:
    """Contract 2: "`--consent off` is accepted only where every model's rule `consent` is `off`"."""
    facts = policy.facts
    models = facts.models.values() if facts else ()
    checked = sorted(model.name for model in models if model.rules.get("consent") != "off")
    if checked:
        raise StartProblems([f"--consent off, but rule `consent` is not off for: {', '.join(checked)}"])


@contextlib.asynccontextmanager
async def followed_room(
    settings: Settings, clock: Clock, events: PolicyEvents, told: asyncio.Queue[Told]
) -> AsyncGenerator[Policy]:
    """The policy in the OPA that the workers' supervisor runs, as it tells of it."""
    from sidecar.policy.followed import FollowedSource  # noqa: PLC0415

    source = FollowedSource(told, clock, timeout_s=settings.policy_timeout_ms / 1_000, events=events)
    policy = Policy(source, mode=settings.mode, max_age_s=None)
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
