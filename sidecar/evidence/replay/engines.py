"""Engines for a replay, of the same code that decides in `sidecar run`; a few are kept, the others made anew."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from sidecar.model.clock import SystemClock
from sidecar.policy.binding import REMEDY, installed
from sidecar.policy.child import ChildMaker, find_opa
from sidecar.policy.embedded import EmbeddedMaker
from sidecar.policy.generation import activate
from sidecar.policy.problems import PolicyProblems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.policies import PolicyUsed
    from sidecar.policy.port import Engine
    from sidecar.policy.watch import EngineMaker

ENGINES_LIMIT = 4
"""At once: at midnight and at a change of policy, records of both sides interleave."""
TIMEOUT_S = 30.0
"""For one decision: a replay waits for what the data path would have given up."""

Key = tuple[str, str, str | None]


class Engines:
    """Makes engines when they are first asked for; `aclose` ends them all."""

    def __init__(self, makers: Mapping[str, EngineMaker]) -> None:
        """`makers`: by kind, at least one."""
        self._makers = makers
        self._made: OrderedDict[Key, Engine] = OrderedDict()
        self._clock = SystemClock()

    def kind_for(self, recorded: str | None) -> str:
        """The kind that decided, where it is at hand, else another."""
        return recorded if recorded is not None and recorded in self._makers else next(iter(self._makers))

    async def engine(self, kind: str, policy: PolicyUsed, salt: Salt | None) -> Engine:
        """The engine for one policy and one period's pseudonyms; raises `PolicyProblems`."""
        period = salt.name if salt is not None and policy.registers else None
        key = (kind, policy.content, period)
        known = self._made.get(key)
        if known is not None:
            self._made.move_to_end(key)
            return known
        if len(self._made) >= ENGINES_LIMIT:
            _, oldest = self._made.popitem(last=False)
            await oldest.aclose()
        engine = self._made[key] = await self._make(kind, policy, salt)
        return engine

    async def aclose(self) -> None:
        """Closes all engines."""
        while self._made:
            _, engine = self._made.popitem()
            await engine.aclose()

    async def _make(self, kind: str, policy: PolicyUsed, salt: Salt | None) -> Engine:
        engine = await self._makers[kind].make(policy.under(salt))
        try:
            await activate(engine, self._clock)
        except BaseException:
            await engine.aclose()
            raise
        return engine


def makers_for(kind: str) -> dict[str, EngineMaker]:
    """`auto`: all kinds that are installed here; else that one. Raises `PolicyProblems` where there is none."""
    clock = SystemClock()
    makers: dict[str, EngineMaker] = {}
    if kind in ("auto", "embedded") and installed() is not None:
        makers["embedded"] = EmbeddedMaker(timeout_s=TIMEOUT_S, clock=clock)
    if kind in ("auto", "opa") and (binary := find_opa()) is not None:
        makers["opa"] = ChildMaker(binary, timeout_s=TIMEOUT_S, clock=clock)
    if not makers:
        raise PolicyProblems([f"no {kind} engine is here: {REMEDY}, or scripts/install-opa"])
    return makers
