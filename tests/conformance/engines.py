"""OPA, and regorus through each of its bindings, behind one name: what holds of one in these tests holds of all."""

from __future__ import annotations

from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

from sidecar.model.clock import SystemClock
from sidecar.model.refusal import Refused
from sidecar.policy.child import ChildMaker
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.verdict import verdict
from tests.bindings import BINDINGS, only
from tests.policies import opa_binary

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractContextManager

    from sidecar.policy.bundle import Bundle
    from sidecar.policy.port import Engine
    from sidecar.policy.watch import EngineMaker

KINDS = (*BINDINGS, "opa")


def maker(kind: str, *, timeout_s: float = 10) -> EngineMaker:
    """To be used in `here(kind)`."""
    if kind in BINDINGS:
        return EmbeddedMaker(timeout_s=timeout_s, clock=SystemClock())
    return ChildMaker(opa_binary(), timeout_s=timeout_s, clock=SystemClock())


def here(kind: str) -> AbstractContextManager[None]:
    """Where the binding of that kind is the only one, if it is a binding's; skips where it is not installed."""
    return only(kind) if kind in BINDINGS else nullcontext()


@asynccontextmanager
async def engine(kind: str, bundle: Bundle, *, timeout_s: float = 10) -> AsyncIterator[Engine]:
    with here(kind):
        made = await maker(kind, timeout_s=timeout_s).make(bundle)
    try:
        yield made
    finally:
        await made.aclose()


async def outcome(engine: Engine, input_json: bytes) -> list[str]:
    """`allow`, or the codes of why not, be it a denial or a failure; a failure begins with its class."""
    try:
        decision = verdict(await engine.decide(input_json))
    except Refused as refusal:
        return ["failed", *(reason.code for reason in refusal.reasons)]
    return ["allow"] if decision.allow else [reason.code for reason in decision.reasons]
