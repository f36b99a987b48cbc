from __future__ import annotations

from math import comb, exp, prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.special import rel_entr, xlog1py, xlogy

from sidecar.fairness.betting import Counts, banded, level, log_growth, smoothed

ratios = st.sampled_from([1.0, 1.25, 1.5, 1.65, 2.5, 4.0])
counts = st.integers(0, 400).flatmap(lambda n: st.builds(smoothed, st.just(n), st.integers(0, n)))
groups = st.dictionaries(st.sampled_from("abcde"), counts, min_size=2)


def log_likelihood(counted: dict[str, Counts], rates: dict[str, float]) -> float:
    return sum(float(xlogy(k, rates[group]) + xlog1py(n - k, -rates[group])) for group, (n, k) in counted.items())


def inside(counted: dict[str, Counts], q: float, ratio: float, low: str, high: str) -> dict[str, float]:
    rates = {group: min(max(k / n, q), ratio * q) for group, (n, k) in counted.items()}
    return {**rates, low: q, high: ratio * q}


@given(counts, counts, ratios)
def test_the_level_is_the_likeliest(low: Counts, high: Counts, ratio: float) -> None:
    q = level(ratio, low, high)
    assert 0 < q < 1 / ratio
    both = {"low": low, "high": high}
    best = log_likelihood(both, {"low": q, "high": ratio * q})
    for other in (q * 0.999, min(q * 1.001, (q + 1 / ratio) / 2)):
        assert best >= log_likelihood(both, {"low": other, "high": ratio * other}) - 1e-9 * max(1.0, abs(best))


@given(groups, ratios.filter(lambda ratio: ratio > 1), st.data())
def test_the_rates_in_a_band_are_the_likeliest(counted: dict[str, Counts], ratio: float, data: st.DataObject) -> None:
    low, high = data.draw(st.permutations(sorted(counted)))[:2]
    rates = banded(counted, ratio, low, high)
    assert rates[high] == pytest.approx(ratio * rates[low])
    assert all(rates[low] <= rate <= rates[high] for rate in rates.values())
    oracle = minimize_scalar(
        lambda q: -log_likelihood(counted, inside(counted, q, ratio, low, high)),
        bounds=(1e-9, (1 - 1e-9) / ratio),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert log_likelihood(counted, rates) >= -oracle.fun - 1e-6


def expected_growth(sizes: dict[str, int], bet: dict[str, float], truth: dict[str, float], limit: float) -> float:
    """Over every outcome of the block, by enumeration: groups are independent, so the sum is a product of sums."""
    nothing = {group: (n, 0) for group, n in sizes.items()}
    floor = log_growth(nothing, bet, limit)
    per_group: list[float] = []
    for group, n in sizes.items():
        gains = (log_growth({**nothing, group: (n, k)}, bet, limit) - floor for k in range(n + 1))
        rate = truth[group]
        per_group.append(sum(comb(n, k) * rate**k * (1 - rate) ** (n - k) * exp(gain) for k, gain in enumerate(gains)))
    return exp(floor) * prod(per_group)


rates_of_all = st.fixed_dictionaries({group: st.floats(0.01, 0.99) for group in "abc"})
sizes_of_all = st.fixed_dictionaries({group: st.integers(0, 12) for group in "abc"})


@given(sizes_of_all, rates_of_all, st.sampled_from([1.0, 1.25, 1.5, 2.0]), st.floats(0, 1), st.data())
def test_no_bet_is_expected_to_gain_while_the_rates_are_within_the_limit(
    sizes: dict[str, int], bet: dict[str, float], limit: float, q: float, data: st.DataObject
) -> None:
    top = min(1.0, limit * q)
    # On the boundary, where it is hardest, as often as inside.
    truth = {group: data.draw(st.sampled_from([q, top]) | st.floats(q, top)) for group in bet}
    assert expected_growth(sizes, bet, truth, limit) <= 1 + 1e-9


def test_a_bet_on_the_boundary_is_even_and_one_on_the_truth_gains() -> None:
    sizes, bet = {"a": 20, "b": 5}, {"a": 0.6, "b": 0.3}
    counted = {group: (float(n), n * bet[group]) for group, n in sizes.items()}
    null = banded(counted, 1.5, "b", "a")
    assert expected_growth(sizes, bet, null, 1.5) == pytest.approx(1.0)
    assert expected_growth(sizes, bet, bet, 1.5) > 1.1


@given(sizes_of_all, rates_of_all, st.sampled_from([1.0, 1.25, 1.5]))
def test_what_the_bettor_expects_is_the_divergence_from_the_projection(
    sizes: dict[str, int], bet: dict[str, float], limit: float
) -> None:
    """The mean log growth under the bet's own rates: linear in counts, so taken at their means."""
    present = {group: (float(n), n * bet[group]) for group, n in sizes.items() if n}
    if len(present) < 2:
        return
    low, high = min(present, key=bet.__getitem__), max(present, key=bet.__getitem__)
    if bet[high] <= limit * bet[low]:
        return
    null = banded(present, limit, low, high)
    divergence = sum(
        n * float(rel_entr(bet[group], null[group]) + rel_entr(1 - bet[group], 1 - null[group]))
        for group, (n, _) in present.items()
    )
    nothing = {group: (n, 0) for group, n in sizes.items()}
    floor = log_growth(nothing, bet, limit)
    mean = floor + sum(
        bet[group] * (log_growth({**nothing, group: (n, n)}, bet, limit) - floor) for group, n in sizes.items()
    )
    assert mean == pytest.approx(divergence, abs=1e-9)
    assert divergence >= 0


@pytest.mark.parametrize(
    "block",
    [{}, {"a": (10, 5)}, {"a": (10, 5), "b": (0, 0)}, {"a": (10, 5), "unknown": (10, 0)}],
    ids=["nothing", "one group", "one group and nobody", "one group and one of which nothing is known"],
)
def test_a_block_without_two_known_groups_changes_nothing(block: dict[str, tuple[int, int]]) -> None:
    assert log_growth(block, {"a": 0.6, "b": 0.2}, 1.5) == 0


def test_a_bet_inside_the_limit_is_none() -> None:
    assert log_growth({"a": (10, 10), "b": (10, 0)}, {"a": 0.6, "b": 0.5}, 1.5) == 0
