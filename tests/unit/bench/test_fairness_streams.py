from __future__ import annotations

import numpy as np
import pytest

from bench.fairness_streams import LIMIT, PREDICTIONS, SCENARIOS, TICK, Phase, Scenario


def ratio(phase: Phase) -> float:
    return max(phase.rates) / min(phase.rates)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario_exceeds_the_limit_from_where_it_says_and_not_before(scenario: Scenario) -> None:
    begins = 0
    for phase in scenario.phases:
        exceeds = ratio(phase) > LIMIT + 1e-9
        assert exceeds == (scenario.starts is not None and begins >= scenario.starts)
        begins += phase.predictions
    assert begins == PREDICTIONS


def test_there_is_one_at_the_limit_for_every_base_rate() -> None:
    assert {one.name for one in SCENARIOS if one.name.startswith("1.5 at")} == {
        f"1.5 at base rate {base}" for base in (0.6, 0.3, 0.1)
    }


def test_simpsons_is_within_the_limit_at_every_moment_and_far_beyond_it_in_the_sums() -> None:
    (simpson,) = (one for one in SCENARIOS if "Simpson" in one.name)
    n = positive = np.zeros(2)
    for phase in simpson.phases:
        n = n + phase.predictions * np.array(phase.shares)
        positive = positive + phase.predictions * np.array(phase.shares) * np.array(phase.rates)
    assert max(map(ratio, simpson.phases)) == pytest.approx(LIMIT)
    assert float(np.divide(*(positive / n))) > 1.2 * LIMIT


def test_a_stream_has_the_shares_and_rates_of_its_phase_and_the_same_seed_gives_the_same() -> None:
    scenario = Scenario("one", (Phase(PREDICTIONS, (0.8, 0.2), (0.6, 0.4)),))
    ticks = list(scenario.ticks(np.random.default_rng(1)))
    assert ticks == list(scenario.ticks(np.random.default_rng(1)))
    assert {sum(n for n, _ in tick.values()) for tick in ticks} == {TICK}
    sums = {group: np.sum([tick[group] for tick in ticks if group in tick], axis=0) for group in "ab"}
    assert sums["b"][0] / PREDICTIONS == pytest.approx(0.2, abs=0.02)
    assert [positive / n for n, positive in sums.values()] == pytest.approx([0.6, 0.4], abs=0.04)
