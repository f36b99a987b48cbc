from __future__ import annotations

import pytest

from sidecar.evidence.fairness.measures import group_rows, measures
from sidecar.evidence.fairness.report import GroupRow, Measure
from sidecar.fairness import metrics
from sidecar.fairness.cells import Cell
from sidecar.fairness.metrics import Confusion, Rate
from sidecar.model.facts import ModelFacts, ReadPlan

FACTS = ModelFacts("credit", groups=("b", "a", "c"), read=ReadPlan(score_range=(0, 1)))


def _cell(n: int, positive: int, refused: int = 0) -> Cell:
    cell = Cell()
    for number in range(n):
        cell.add(0.5, number < positive, released=number >= refused)
    return cell


CELLS = {"a": _cell(40, 30, refused=3), "unknown": _cell(2, 2), "b": _cell(20, 6)}


def test_rows_are_in_the_order_of_the_declared_groups_and_unknown_is_last() -> None:
    rows = group_rows(CELLS, FACTS)
    assert [(row.group, row.n, row.refused, row.positive_rate) for row in rows] == [
        ("b", 20, 0, 0.3),
        ("a", 40, 3, 0.75),
        ("unknown", 2, 0, 1.0),
    ]


def test_a_row_has_its_bounds() -> None:
    (_, row, _) = group_rows(CELLS, FACTS)
    lower, upper = Rate(40, 30).interval()
    assert row == GroupRow("a", 40, 3, 0.75, lower, upper, 0.5, 0.5, 0.5)


def test_what_is_not_declared_is_not_there() -> None:
    cell = Cell()
    cell.add(None, None, released=True)
    assert group_rows({"a": cell}, FACTS) == (GroupRow("a", 1, 0, None, None, None, None, None, None),)


def test_metrics_are_those_between_declared_groups() -> None:
    found = {measure.name: measure for measure in measures(CELLS, {}, FACTS)}
    assert list(found) == ["disparate impact", "demographic parity ratio", "demographic parity difference"]
    assert [found[name].value for name in found] == pytest.approx([(30.5 / 41) / (6.5 / 21), 0.3 / 0.75, 0.45])
    assert {measure.detail for measure in found.values()} == {"a over b"}


def test_true_outcomes_add_two() -> None:
    confusions = {"a": Confusion(8, 1, 9, 2), "b": Confusion(4, 2, 8, 6), "unknown": Confusion(0, 9, 0, 9)}
    *_, opportunity, odds = measures(CELLS, confusions, FACTS)
    assert (opportunity.name, opportunity.value, opportunity.detail) == (
        "equal opportunity difference",
        pytest.approx(0.4),
        "a over b",
    )
    declared = {group: confusions[group] for group in ("a", "b")}
    assert odds.value == getattr(metrics.equalized_odds_difference(declared), "value", None)


def test_of_one_group_nothing_is_compared() -> None:
    assert measures({"a": _cell(40, 30)}, {}, FACTS) == tuple(
        Measure(name, None, None, None)
        for name in ("disparate impact", "demographic parity ratio", "demographic parity difference")
    )


def test_an_interval_without_an_end_has_none() -> None:
    ratio = measures({"a": _cell(40, 30), "b": _cell(20, 0)}, {}, FACTS)[1]
    assert (ratio.value, ratio.lower, ratio.upper) == (0.0, 0.0, None)
