"""What is said of cells: a group's figures and the ratio's, as rules and operators read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.fairness.means import MIN_N, mean_bounds
from sidecar.fairness.metrics import LEAST_IN_CELL, impact
from sidecar.fairness.window import GroupStatus, SpanStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sidecar.fairness.cells import Cell, Tally
    from sidecar.model.facts import ModelFacts


def group_figures(tally: Tally, facts: ModelFacts) -> dict[str, float | None] | None:
    """One of `window.groups` (contract 4); None of a group of which too little is known to say anything.

    Where scores are read, that many of them: an answer of another endpoint may be counted and have none.
    """
    if tally.n < MIN_N or (facts.read.score is not None and tally.moments.n < MIN_N):
        return None
    bounds = mean_bounds(tally.moments, facts.read.score_range)
    return {
        "n": tally.n,
        "mean_score": tally.moments.mean if tally.moments.n else None,
        "mean_lower": bounds[0] if bounds else None,
        "mean_upper": bounds[1] if bounds else None,
        "positive_rate": tally.positive_rate(),
    }


def ratio_of(tallies: Mapping[str, Tally], groups: Sequence[str]) -> tuple[float, str, str] | None:
    """The ratio of `metrics.impact`, the group with the highest rate and that with the lowest, without an interval.

    For the request's path, where it is asked after every prediction.
    """
    known: list[tuple[float, str]] = []
    for group in groups:
        tally = tallies.get(group)
        if tally is not None and LEAST_IN_CELL <= tally.positive <= tally.classified - LEAST_IN_CELL:
            known.append(((tally.positive + 0.5) / (tally.classified + 1), group))
    if len(known) < 2:
        return None
    known.sort(key=_by_rate)
    (high, favoured), (low, disfavoured) = known[0], known[-1]
    return high / low, favoured, disfavoured


def _by_rate(known: tuple[float, str]) -> tuple[float, str]:
    return -known[0], known[1]


def span_status(span_s: int, cells: Mapping[str, Cell], facts: ModelFacts) -> SpanStatus:
    """All groups over one span."""
    found = impact({group: cells[group].total() for group in facts.groups if group in cells})
    return SpanStatus(
        span_s,
        found.ratio if found else None,
        found.lower if found else None,
        found.upper if found else None,
        found.favoured if found else None,
        found.disfavoured if found else None,
        tuple(_group_status(group, cell, facts) for group, cell in sorted(cells.items())),
    )


def _group_status(group: str, cell: Cell, facts: ModelFacts) -> GroupStatus:
    tally = cell.total()
    bounds = mean_bounds(tally.moments, facts.read.score_range)
    return GroupStatus(
        group,
        tally.n,
        cell.refused.n,
        tally.positive_rate(),
        tally.moments.mean if tally.moments.n else None,
        bounds[0] if bounds else None,
        bounds[1] if bounds else None,
        tally.moments.deviation(),
    )
