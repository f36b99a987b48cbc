"""What the fairness window is told of a judged prediction: contract 1, step 14."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.audit.records import Result
from sidecar.fairness.window import Observation
from sidecar.model.attributes import Status

if TYPE_CHECKING:
    from sidecar.model.facts import Positive
    from sidecar.model.prediction import Prediction
    from sidecar.proxy.case import Case


def observation(case: Case) -> Observation | None:
    """ "Windows count all judged predictions, released or not"; None where no prediction was judged.

    Without the policy's question the record has no prediction either, and a rebuilt window would lack what it counts.
    """
    if case.prediction is None or case.inquiry is None or case.response_question is None:
        return None
    groups = case.inquiry.attributes.groups
    return Observation(
        decision_id=case.context.decision_id,
        model=case.model,
        version=case.version,
        unix_s=case.context.started_unix_ns / 1e9,
        groups=groups.value if groups.status is Status.PRESENT and isinstance(groups.value, tuple) else (),
        scores=case.prediction.scores,
        positive=_positive(case.inquiry.facts.read.positive, case.prediction),
        instances=case.inquiry.call.instances,
        released=case.result is Result.RELEASED,
    )


def _positive(means: Positive | None, prediction: Prediction) -> tuple[bool, ...] | None:
    """Which instances count as positive, as the model's facts declare it; None where they do not."""
    if means is None:
        return None
    if means.label is not None and prediction.labels is not None:
        return tuple(label == means.label for label in prediction.labels)
    if means.score_at_least is not None and prediction.scores is not None:
        return tuple(score >= means.score_at_least for score in prediction.scores)
    return None
