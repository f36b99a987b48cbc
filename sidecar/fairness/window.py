"""The fairness window as a port, and the window of a sidecar that keeps none yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class WindowSnapshot:
    """The window of one model and version as it stood before the prediction under test (contract 4).

    `groups` maps a group to its figures; `disparate_impact` holds the ratio's, as the contract spells them.
    """

    state: str
    span_s: int = 86_400
    groups: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, "Mapping[str, float]"])
    disparate_impact: Mapping[str, object] | None = None

    def as_input(self) -> dict[str, object]:
        """`window` of the policy input."""
        return {
            "state": self.state,
            "span_s": self.span_s,
            "groups": self.groups,
            "disparate_impact": self.disparate_impact,
        }


@dataclass(frozen=True, slots=True)
class Observation:
    """One judged prediction, released or not; one entry an instance."""

    decision_id: str
    model: str
    version: str | None
    unix_s: float
    groups: tuple[str, ...]
    scores: tuple[float, ...] | None
    positive: tuple[bool, ...] | None
    released: bool


class Window(Protocol):
    """Where predictions are counted. Observing is idempotent by decision id."""

    def snapshot(self, model: str, version: str | None) -> WindowSnapshot:
        """The window as it stands."""
        ...

    def observe(self, observation: Observation) -> None:
        """Counts one prediction."""
        ...


INSUFFICIENT = WindowSnapshot("insufficient_data")


class NoWindow:
    """Keeps nothing and says so: every snapshot is `insufficient_data`, which rules let pass and record."""

    def snapshot(self, model: str, version: str | None) -> WindowSnapshot:
        """Always `insufficient_data`."""
        del model, version
        return INSUFFICIENT

    def observe(self, observation: Observation) -> None:
        """Nothing is kept."""
        del observation
