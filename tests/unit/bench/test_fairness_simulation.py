from __future__ import annotations

import json
from itertools import count
from math import inf

import numpy as np
import pytest

from bench.fairness_simulation import Result, Run, as_json, markdown, one_run, simulate
from bench.fairness_streams import LIMIT, PREDICTIONS, SCENARIOS, Phase, Scenario
from sidecar.fairness.eprocess import BlockBuilder, ImpactTest
from sidecar.fairness.window import Observation
from sidecar.fairness.windows import MemoryWindow
from sidecar.model.facts import ModelFacts, Positive, ReadPlan
from tests.support import FixedClock

WITHIN = Scenario("within", (Phase(PREDICTIONS, (0.8, 0.2), (0.6, 0.6)),))
BEYOND = Scenario("beyond", (Phase(PREDICTIONS, (0.5, 0.5), (0.8, 0.1)),), 0, 200)
LATE = Scenario("late", (Phase(5_000, (0.5, 0.5), (0.8, 0.8)), Phase(5_000, (0.5, 0.5), (0.8, 0.1))), 5_000, 200)


def run(certain: float) -> Run:
    return Run(certain, certain, inf, inf)


def test_a_gross_disparity_is_certain_within_a_few_blocks_and_warned_of_before() -> None:
    found = one_run(BEYOND, np.random.default_rng(1))
    assert 40 < found.warned <= found.certain < 400


def test_a_fair_model_is_never_certain() -> None:
    assert one_run(WITHIN, np.random.default_rng(1)).certain == inf


def test_false_triggers_and_delays_are_counted_from_where_the_limit_is_exceeded() -> None:
    within = Result(WITHIN, [run(500), run(inf), run(inf), run(inf)])
    assert (within.triggered("certain").value, within.meets()) == (0.25, False)
    late = Result(LATE, [run(4_000), run(5_100), run(5_200), run(5_300), run(inf)])
    assert (late.triggered("certain").value, late.median_delay("certain"), late.meets()) == (0.2, 200, True)
    assert Result(BEYOND, [run(10)]).triggered("certain").value == 0


def test_a_missed_goal_is_said() -> None:
    report = markdown([Result(WITHIN, [run(inf)] * 3), Result(BEYOND, [run(201)] * 3)], seed=1)
    assert "| within | 0.00 (0.00 to 56.15) | 0.00 | 0.00 | 0.00 |" in report
    assert "| beyond | 201 | 200 missed | 201 | 0.0 | 0.00 |" in report
    assert [one["meets"] for one in json.loads(as_json([Result(BEYOND, [run(inf)])], seed=1))["scenarios"]] == [False]


def test_the_result_does_not_depend_on_the_number_of_processes() -> None:
    chosen = [(number, one) for number, one in enumerate(SCENARIOS) if one.name == "2.5 at base rate 0.6"]
    (alone,) = simulate(chosen, runs=30, seed=7, processes=1)
    (shared,) = simulate(chosen, runs=30, seed=7, processes=2)
    assert len(alone.runs) == 30
    assert alone == shared
    assert alone.median_delay("certain") == pytest.approx(600, abs=250)


def test_a_window_that_is_told_the_same_predictions_one_by_one_comes_to_the_same_wealth() -> None:
    """What is simulated leaves out minutes, seconds and decision ids: they change nothing."""
    scenario = Scenario("beyond, for a while", (Phase(1_500, (0.8, 0.2), (0.6, 0.3)),))
    facts = ModelFacts(
        "m", groups=scenario.groups, disparate_impact_max=LIMIT, read=ReadPlan(positive=Positive("yes", None))
    )
    clock, numbers = FixedClock(), count()
    window = MemoryWindow(clock)
    builder, test = BlockBuilder(scenario.groups), ImpactTest(scenario.groups, LIMIT)
    for tick in scenario.ticks(np.random.default_rng(1)):
        for group, (n, positive) in tick.items():
            for hit in [True] * positive + [False] * (n - positive):
                seen = Observation(f"{next(numbers):032x}", "m", None, clock.unix_s(), (group,), None, (hit,), 1, True)
                window.observe(facts, seen)
        if (block := builder.add(tick)) is not None:
            test.fold(block)
        clock.advance(1)
    clock.advance(10)
    window.tend()
    (watched,) = window.status().watches
    assert watched.test is not None
    assert watched.test.wealth == test.wealth != 1
