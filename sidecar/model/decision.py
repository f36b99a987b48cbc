"""What a policy decided (contract 4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sidecar.model.reasons import Reason

OBLIGATION_TYPES = frozenset({"throttle", "fallback", "flag_review", "require_explanation"})
"""Contract 4: any other type is never an allow."""


@dataclass(frozen=True, slots=True)
class Obligation:
    """What the sidecar must do with an allowed exchange; `parameters` as the policy wrote them."""

    type: str
    parameters: dict[str, object]

    def as_json(self) -> dict[str, object]:
        """The shape of the contract."""
        return {"type": self.type, **self.parameters}


class Decision(NamedTuple):
    """One phase's decision under one revision. `ttl_s`: how long the policy says that it holds."""

    allow: bool
    revision: str
    reasons: tuple[Reason, ...] = ()
    shadow: tuple[Reason, ...] = ()
    obligations: tuple[Obligation, ...] = ()
    ttl_s: float = 0.0

    def as_json(self) -> dict[str, object]:
        """The decision in the audit record."""
        return {
            "allow": self.allow,
            "reasons": [reason.as_json() for reason in self.reasons],
            "shadow": [reason.as_json() for reason in self.shadow],
            "obligations": [obligation.as_json() for obligation in self.obligations],
            "ttl_s": self.ttl_s,
        }


def flagging(*decisions: Decision | None) -> Iterator[str | None]:
    """The rules for whose sake decisions are to be reviewed; None for one that names none."""
    for decision in decisions:
        for obligation in decision.obligations if decision else ():
            if obligation.type == "flag_review":
                rule = obligation.parameters.get("rule")
                yield rule if isinstance(rule, str) else None
