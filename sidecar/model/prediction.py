"""What was read from a model's answer (contract 1, step 10)."""

from __future__ import annotations

from typing import NamedTuple


class Prediction(NamedTuple):
    """One entry per instance in `scores` and `labels`; None where the model's facts declare no place to read.

    `features` are the declared inputs that a rule-based fallback may use, by name;
    `explanation` is whatever JSON value the declared place held.
    """

    status: int
    scores: tuple[float, ...] | None = None
    labels: tuple[str, ...] | None = None
    features: dict[str, object] | None = None
    explanation: object = None

    def as_input(self) -> dict[str, object]:
        """`prediction` of the policy input."""
        return {
            "status": self.status,
            "scores": self.scores,
            "labels": self.labels,
            "features": self.features,
            "explanation": self.explanation,
        }
