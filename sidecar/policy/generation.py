"""A generation: one activated policy, from its first real decision until the next one takes its place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sidecar.model.attributes import Attributes
from sidecar.model.consent import ConsentFact, ConsentStatus
from sidecar.model.prediction import Prediction
from sidecar.model.question import API, ask
from sidecar.model.refusal import Refused
from sidecar.policy.facts import read_facts
from sidecar.policy.problems import PolicyProblems
from sidecar.policy.verdict import read

if TYPE_CHECKING:
    from sidecar.model.clock import Clock
    from sidecar.model.facts import Facts
    from sidecar.model.reasons import Reason
    from sidecar.policy.bundle_watch import BundleStatus
    from sidecar.policy.port import Engine


@dataclass(frozen=True, slots=True)
class Generation:
    """One engine under one revision, with the facts it gave. Never changed, only replaced."""

    engine: Engine
    facts: Facts
    activated_unix_s: float


class Source(Protocol):
    """Where generations come from: a directory that is watched, or a remote engine that is polled."""

    @property
    def kind(self) -> str:
        """`opa` or `embedded`."""
        ...

    @property
    def generation(self) -> Generation | None:
        """The present one; None before the first activation."""
        ...

    @property
    def steady(self) -> bool:
        """Whether the present revision was confirmed lately; while not, the cache is unused."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """Why the latest attempt to activate or to poll failed, and what is wrong with bundles that are not active."""
        ...

    @property
    def obstacle(self) -> Reason | None:
        """Why the present generation may not decide, good as it is: what the engine has now is not what it should."""
        ...

    @property
    def bundles(self) -> tuple[BundleStatus, ...]:
        """Of a remote engine."""
        ...

    @property
    def restarts(self) -> int:
        """How often a child engine was started again."""
        ...

    def age_s(self) -> float | None:
        """Seconds since the oldest bundle was known to be current (contract 3); None without such a clock."""
        ...

    async def refresh(self) -> None:
        """Looks now, not at the next turn: an answer came under another revision. Never raises."""
        ...

    async def start(self) -> None:
        """Activates the first generation and keeps watching; raises `PolicyProblems`."""
        ...

    async def aclose(self) -> None:
        """Stops watching and closes the engine."""
        ...


async def activate(engine: Engine, clock: Clock) -> Generation:
    """Asks the engine its facts and one real decision a phase; raises `PolicyProblems` unless all are good.

    That the policy calls itself malformed (a shipped guard is absent) is a good answer, and it refuses.
    """
    try:
        facts = read_facts(await engine.facts())
        for phase in ("request", "response"):
            read(await engine.decide(probe(facts, phase, clock.unix_s())))
    except Refused as refusal:
        raise PolicyProblems([f"{reason.code}: {reason.message}" for reason in refusal.reasons]) from None
    return Generation(engine, facts, clock.unix_s())


def probe(facts: Facts, phase: str, unix_s: float) -> bytes:
    """A well-formed input that says nothing of anybody: a call without data version, groups or consent."""
    model = min(facts.models, default="")
    shape: dict[str, object] = {
        "api": API,
        "phase": phase,
        "source": {"address": None, "identity": None},
        "endpoint": {"protocol": "v2", "operation": "infer", "model": model, "version": None},
        "request": {"method": "POST", "headers": {}},
        "attributes": Attributes().as_input(),
        "consent": ConsentFact(ConsentStatus.MISSING).as_input(),
        "instances": 1,
    }
    if phase == "response":
        shape["prediction"] = Prediction(200).as_input()
        shape["window"] = {"state": "insufficient_data", "span_s": 0, "groups": {}, "disparate_impact": None}
    return ask(shape, unix_s).json
