from __future__ import annotations

from statistics import fmean

import pytest

from sidecar.demo.applications import INPUTS, Application
from sidecar.demo.credit_model import CreditModel
from sidecar.demo.training import area_under_roc, fit, fold, group_means


def test_folded_model_is_the_pipeline(training: list[Application], held_back: list[Application]) -> None:
    pipeline = fit(training)
    model = fold(pipeline)
    wanted = [float(row[1]) for row in pipeline.predict_proba([a.features for a in held_back])]
    assert [model.score(a.features) for a in held_back] == pytest.approx(wanted, abs=1e-12)
    assert (model.inputs, model.approve_from) == (tuple(INPUTS), 0.5)


def test_model_approves_as_many_of_the_training_part_as_the_banks(
    model: CreditModel, training: list[Application]
) -> None:
    approved = sum(model.label(model.score(a.features)) == "approve" for a in training)
    assert approved == sum(a.approved for a in training)


def test_group_means_are_of_each_groups_own_scores(model: CreditModel, training: list[Application]) -> None:
    means = group_means(model, training)
    assert list(means) == ["white", "black", "hispanic"]
    assert means["black"] == fmean(model.score(a.features) for a in training if a.group == "black")


def test_model_tells_approvals_from_denials(model: CreditModel, held_back: list[Application]) -> None:
    assert 0.75 < area_under_roc(model, held_back) < 0.9
    constant = CreditModel(model.inputs, tuple(0.0 for _ in model.inputs), 0.0, 0.5)
    assert area_under_roc(constant, held_back) == 0.5
