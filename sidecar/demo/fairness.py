"""What the log says of fairness over the demo's calls, by the same report that `sidecar audit report` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.demo.policy_data import THROTTLE_HOLD_S, THROTTLE_RATE_PER_S
from sidecar.evidence.fairness import facts_of, fairness_report
from sidecar.evidence.fairness.png import draw
from sidecar.evidence.folders import find_logs
from sidecar.fairness.window import WindowTerms

if TYPE_CHECKING:
    from sidecar.demo.provoking import Provoked
    from sidecar.demo.workspace import Workspace
    from sidecar.evidence.fairness.report import ModelReport


@dataclass(frozen=True, slots=True)
class Fairness:
    """Both models as the log has them, and how the throttle was met.

    `calls` went to the skewed model, `before_throttle` of them before the first 429; `throttled` met one. The throttle
    lasted `throttled_s` as the callers saw it.
    """

    models: tuple[ModelReport, ...]
    calls: int
    before_throttle: int
    throttled: int
    throttled_s: float
    rate_per_s: int
    hold_s: int
    plot: str

    def of(self, model: str) -> ModelReport | None:
        """One model's report; None where none of its predictions was judged."""
        return next((found for found in self.models if found.model == model), None)


def fairness_of(place: Workspace, provoked: Provoked) -> Fairness:
    """Reads the log, and draws the picture."""
    logs = find_logs(place.audit_dir)
    found = fairness_report(logs, facts_of(place.data, logs), WindowTerms())
    draw(found.models, place.plot)
    return Fairness(
        models=found.models,
        calls=len(provoked.answers),
        before_throttle=provoked.before_throttle,
        throttled=provoked.throttled,
        throttled_s=provoked.throttled_s,
        rate_per_s=THROTTLE_RATE_PER_S,
        hold_s=THROTTLE_HOLD_S,
        plot=str(place.plot),
    )
