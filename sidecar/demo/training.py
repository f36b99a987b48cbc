"""Training: a logistic regression by scikit-learn, and the facts about it that the policy's data holds."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from statistics import fmean
from typing import TYPE_CHECKING, Any

from sidecar.demo.applications import GROUPS, INPUTS
from sidecar.demo.credit_model import CreditModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidecar.demo.applications import Application


def train(training: Sequence[Application]) -> CreditModel:
    """The model; it approves as large a share of the training part as the banks did."""
    model = fold(fit(training))
    scores = sorted((model.score(application.features) for application in training), reverse=True)
    approvals = sum(application.approved for application in training)
    return replace(model, approve_from=scores[approvals - 1])


def fit(training: Sequence[Application]) -> Any:
    """scikit-learn's pipeline of a scaler and a logistic regression, fitted."""
    preprocessing: Any = import_module("sklearn.preprocessing")
    linear_model: Any = import_module("sklearn.linear_model")
    pipeline: Any = import_module("sklearn.pipeline").make_pipeline(
        preprocessing.StandardScaler(), linear_model.LogisticRegression()
    )
    features = [application.features for application in training]
    return pipeline.fit(features, [application.approved for application in training])


def fold(pipeline: Any) -> CreditModel:
    """The same function as the pipeline's, with the scaler worked into the weights; it approves from 0.5."""
    scaler, regression = pipeline[0], pipeline[1]
    weights = [float(weight) for weight in regression.coef_[0] / scaler.scale_]
    shift = sum(weight * float(mean) for weight, mean in zip(weights, scaler.mean_, strict=True))
    return CreditModel(tuple(INPUTS), tuple(weights), float(regression.intercept_[0]) - shift, approve_from=0.5)


def group_means(model: CreditModel, training: Sequence[Application]) -> dict[str, float]:
    """Each group's mean score over the training part: where the fairness bands lie."""
    return {
        group: fmean(model.score(application.features) for application in training if application.group == group)
        for group in GROUPS
    }


def area_under_roc(model: CreditModel, held_back: Sequence[Application]) -> float:
    """How well scores tell the banks' approvals from denials: 0.5 is chance, 1 perfect."""
    metrics: Any = import_module("sklearn.metrics")
    scores = [model.score(application.features) for application in held_back]
    return float(metrics.roc_auc_score([application.approved for application in held_back], scores))
