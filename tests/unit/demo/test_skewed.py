from __future__ import annotations

from collections import Counter
from statistics import fmean
from typing import TYPE_CHECKING

import pytest

from sidecar.demo.applications import GROUPS, Application
from sidecar.demo.skewed import APPROVED_OF_OTHERS, resample, skew

if TYPE_CHECKING:
    from sidecar.demo.credit_model import CreditModel


def _approved(model: CreditModel, applications: list[Application], group: str) -> float:
    mine = [application for application in applications if application.group == group]
    return fmean(model.label(model.score(each.features), group) == "approve" for each in mine)


def test_one_group_keeps_its_cut_off_and_fewer_of_the_others_pass(
    model: CreditModel, training: list[Application]
) -> None:
    skewed = skew(model, training)
    rates = {group: _approved(skewed, training, group) for group in GROUPS}
    assert rates["white"] == _approved(model, training, "white")
    assert rates["black"] == pytest.approx(APPROVED_OF_OTHERS, abs=0.03)
    assert rates["hispanic"] == pytest.approx(APPROVED_OF_OTHERS, abs=0.03)


def test_on_people_that_it_has_not_seen_the_ratio_is_far_beyond_the_limit(
    model: CreditModel, training: list[Application], held_back: list[Application]
) -> None:
    skewed = skew(model, training)
    assert _approved(skewed, held_back, "white") / _approved(skewed, held_back, "black") > 2.0


def test_scores_are_those_of_the_honest_model(model: CreditModel, training: list[Application]) -> None:
    assert skew(model, training).score(training[0].features) == model.score(training[0].features)


def test_people_are_drawn_again_and_again_the_same_for_the_same_seed(held_back: list[Application]) -> None:
    drawn = resample(held_back, 4_000, 1)
    assert len(drawn) == 4_000
    assert resample(held_back, 4_000, 1) == drawn != resample(held_back, 4_000, 2)
    shares = {group: count / 4_000 for group, count in Counter(each.group for each in drawn).items()}
    wanted = Counter(each.group for each in held_back)
    assert shares == pytest.approx({group: count / len(held_back) for group, count in wanted.items()}, abs=0.02)
