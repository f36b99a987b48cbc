"""The trained model as the model server has it: a logistic regression is a handful of numbers."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class CreditModel:
    """Scores applications between 0 and 1; labels `approve` those of at least `approve_from`.

    `approve_from_of` has the cut-offs of groups that are held to another one; an honest model has none.
    """

    inputs: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    approve_from: float
    approve_from_of: Mapping[str, float] = field(default_factory=dict[str, float])

    def score(self, features: Sequence[float]) -> float:
        """The probability that a bank approves; `features` in the order of `inputs`."""
        terms = (weight * value for weight, value in zip(self.weights, features, strict=True))
        logit = self.intercept + sum(terms)
        return 1 / (1 + math.exp(-logit))

    def label(self, score: float, group: str | None = None) -> str:
        """`approve` or `deny`; `group` is the applicant's, where the model is told."""
        cut_off = self.approve_from if group is None else self.approve_from_of.get(group, self.approve_from)
        return "approve" if score >= cut_off else "deny"

    def to_json(self) -> str:
        """What `from_json` reads."""
        return json.dumps(asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> CreditModel:
        """The model that `to_json` wrote."""
        shape = json.loads(text)
        return cls(
            tuple(shape["inputs"]),
            tuple(shape["weights"]),
            shape["intercept"],
            shape["approve_from"],
            shape["approve_from_of"],
        )
