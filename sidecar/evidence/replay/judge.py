"""A policy that judges recorded inputs again, as the data path would have; and which of its answers are in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.audit.redact import decision_shape
from sidecar.evidence.replay.fidelity import obstacle
from sidecar.evidence.replay.rows import Skipped, Why
from sidecar.model.decision import Decision
from sidecar.model.refusal import Refused
from sidecar.policy.verdict import verdict

if TYPE_CHECKING:
    from sidecar.audit.salts import Salt
    from sidecar.evidence.replay.policies import PolicyUsed
    from sidecar.evidence.replay.rows import Json, Place, Row
    from sidecar.policy.port import Engine

UNDECIDED_NOW = frozenset({"policy_unavailable", "policy_timeout", "overloaded"})
"""Without an answer nothing can be compared; an answer that is no decision is one: it would have refused."""


@dataclass(frozen=True, slots=True)
class Judge:
    """A policy that is asked about a row.

    `doubted`: guards for whose failure a fallback is computed from what the record has not; `doubt` says what.
    """

    policy: PolicyUsed
    doubted: frozenset[str] = frozenset()
    doubt: Skipped | None = None

    async def decision(self, engine: Engine, place: Place, input_json: bytes) -> Json | Skipped:
        """The decision, as the data path would have taken it."""
        try:
            decision = verdict(await engine.decide(input_json))
        except Refused as refusal:
            code = refusal.reasons[0].code
            if code in UNDECIDED_NOW:
                return Skipped(place, Why.ENGINE_FAILED_NOW, code)
            decision = Decision(False, self.policy.bundle.revision, refusal.reasons)
        if self.doubt and any(reason.rule in self.doubted for reason in decision.reasons):
            return self.doubt  # the fallback would have taken its place
        return decision_shape(decision)


def judge_of(policy: PolicyUsed, row: Row, asked: Json, salt: Salt | None) -> Judge | Skipped:
    """The policy, with what it may not be believed in; or why it cannot judge this row."""
    model, phase = row.place.model, str(row.place.phase)
    hindered = obstacle(row, asked, policy.reads_of(model, phase), salt, registers=policy.registers)
    if hindered:
        return hindered
    doubted, reads = policy.fallbacks_of(model, phase)
    doubt = obstacle(row, asked, reads, salt, registers=policy.registers)
    return Judge(policy, doubted if doubt else frozenset(), doubt)
