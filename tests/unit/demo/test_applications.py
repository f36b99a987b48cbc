from __future__ import annotations

import math
from collections import Counter

from sidecar.demo.applications import GROUPS, INPUTS, Application, split


def test_all_of_the_real_data_is_read(applications: list[Application]) -> None:
    assert Counter(application.group for application in applications) == {
        "white": 1681,
        "black": 197,
        "hispanic": 111,
    }
    assert sum(application.approved for application in applications) == 1745
    assert all(math.isfinite(value) for application in applications for value in application.features)
    assert [application.number for application in applications] == list(range(1989))


def test_an_application_is_a_row_of_the_data_set(applications: list[Application]) -> None:
    features = (17.63, 34.5, 0.7542, 1.0, 2.0, 0.0, 0.0, 3.2)
    assert applications[0] == Application(0, "white", features, approved=True)


def test_no_input_says_who_somebody_is_or_what_the_bank_did() -> None:
    forbidden = {*GROUPS.values(), "male", "married", "dep", "old", "min30", "bd", "mi", "vr", "suffolk"}
    forbidden |= {"action", "approve", "reject", "typur", "inss", "inson"}
    assert not forbidden & set(INPUTS.values())


def test_split_is_half_and_half_and_the_same_for_a_seed(applications: list[Application]) -> None:
    training, held_back = split(applications, 7)
    numbers = [application.number for application in (*training, *held_back)]
    assert (len(training), len(held_back)) == (994, 995)
    assert sorted(numbers) == list(range(1989))
    assert split(applications, 7) == (training, held_back)
    assert split(applications, 8)[0] != training


def test_both_parts_have_the_proportions_of_the_whole(applications: list[Application]) -> None:
    strata = [Counter((a.group, a.approved) for a in part) for part in split(applications, 7)]
    assert all(abs(strata[0][key] - strata[1][key]) <= 1 for key in strata[0] | strata[1])
