"""The rows of a report's tables: groups, and the metrics between them, by `fairness.metrics`."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from sidecar.evidence.fairness.report import GroupRow, Measure
from sidecar.fairness import metrics
from sidecar.fairness.means import mean_bounds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sidecar.fairness.cells import Cell
    from sidecar.fairness.metrics import Confusion, Impact, Metric
    from sidecar.model.facts import ModelFacts


def group_rows(cells: Mapping[str, Cell], facts: ModelFacts) -> tuple[GroupRow, ...]:
    """A row a group: those that the model declares, in its order, and then what is unknown."""
    order = {group: place for place, group in enumerate(facts.groups)}
    return tuple(_row(group, cells[group], facts) for group in sorted(cells, key=lambda group: order.get(group, 99)))


def _row(group: str, cell: Cell, facts: ModelFacts) -> GroupRow:
    tally = cell.total()
    rate = metrics.positive_rates({group: tally}).get(group)
    rate_lower, rate_upper = rate.interval() if rate else (None, None)
    moments = tally.moments
    mean_lower, mean_upper = mean_bounds(moments, facts.read.score_range) or (None, None)
    return GroupRow(
        group=group,
        n=tally.n,
        refused=cell.refused.n,
        positive_rate=rate.value if rate else None,
        rate_lower=rate_lower,
        rate_upper=rate_upper,
        mean_score=moments.mean if moments.n else None,
        mean_lower=mean_lower,
        mean_upper=mean_upper,
    )


def measures(cells: Mapping[str, Cell], labelled: Mapping[str, Confusion], facts: ModelFacts) -> tuple[Measure, ...]:
    """The metrics among the groups that the model declares; the last two only where true outcomes are known."""
    tallies = {group: cells[group].total() for group in facts.groups if group in cells}
    rates = metrics.positive_rates(tallies)
    found = [
        _measure("disparate impact", metrics.impact(tallies)),
        _measure("demographic parity ratio", metrics.demographic_parity_ratio(rates)),
        _measure("demographic parity difference", metrics.demographic_parity_difference(rates)),
    ]
    confusions = {group: labelled[group] for group in facts.groups if group in labelled}
    if confusions:
        found += [
            _measure("equal opportunity difference", metrics.equal_opportunity_difference(confusions)),
            _measure("equalized odds difference", metrics.equalized_odds_difference(confusions)),
        ]
    return tuple(found)


def _measure(name: str, found: Metric | Impact | None) -> Measure:
    if found is None:
        return Measure(name, None, None, None)
    value = found.value if isinstance(found, metrics.Metric) else found.ratio
    is_open = not isfinite(found.upper)
    pair = f"{found.favoured} over {found.disfavoured}"
    return Measure(name, value, found.lower, None if is_open else found.upper, pair)
