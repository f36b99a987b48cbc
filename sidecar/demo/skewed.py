"""A second model, made unfair on purpose: the first one's scores, with a higher cut-off for some groups.

Nothing real is claimed of it: it exists so that the demo can show a disparity being found and acted upon.
"""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.demo.applications import GROUPS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.demo.applications import Application
    from sidecar.demo.credit_model import CreditModel

SKEWED = "credit-skewed"
UNTOUCHED = "white"
"""The group whose cut-off stays as it was."""
APPROVED_OF_OTHERS = 0.35
"""The share of every other group that still gets an approval."""


def skew(model: CreditModel, training: Sequence[Application]) -> CreditModel:
    """The model with cut-offs by group, such that `APPROVED_OF_OTHERS` of the training part's others pass."""
    return replace(
        model, approve_from_of={group: _cut_off(model, training, group) for group in GROUPS if group != UNTOUCHED}
    )


def _cut_off(model: CreditModel, training: Sequence[Application], group: str) -> float:
    scores = sorted((model.score(each.features) for each in training if each.group == group), reverse=True)
    return scores[round(len(scores) * APPROVED_OF_OTHERS)]


def resample(applications: Sequence[Application], count: int, seed: int) -> list[Application]:
    """`count` of them drawn with replacement, the same for the same seed: groups keep about their shares."""
    return random.Random(seed).choices(applications, k=count)  # noqa: S311 - who comes next is no secret
