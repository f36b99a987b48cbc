"""The trained model as the model server has it: a logistic regression is a handful of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class CreditModel:
    """Scores applications between 0 and 1; labels `approve` those of at least `approve_from`."""

    inputs: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    approve_from: float

    def score(self, features: Sequence[float]) -> float:
        """The probability that a bank approves; `features` in the order of `inputs`."""
        terms = (weight * value for weight, value in zip(self.weights, features, strict=True))
        logit = self.intercept + sum(terms)
        return 1 / (1 + math.exp(-logit))

    def label(self, score: float) -> str:
        """`approve` or `deny`."""
        return "approve" if score >= self.approve_from else "deny"

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> CreditModel:
        """The model that `to_json` wrote."""
        shape = json.loads(text)
        return cls(tuple(shape["inputs"]), tuple(shape["weights"]), shape["intercept"], shape["approve_from"])
