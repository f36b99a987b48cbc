"""Reports of several replays as one: a deployment has a log for each of its sidecars."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from sidecar.evidence.replay import Change, Report

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sidecar.evidence.replay import Changed, NotReplayed

EXAMPLES = 3


def joined(reports: Sequence[Report]) -> Report:
    """One report of at least one, all of the same candidate and base.

    Rows that say the same of different logs become one.
    """
    order = list(Change)
    listed = [one for report in reports for one in report.listed]
    return Report(
        candidate=reports[0].candidate,
        records=sum(report.records for report in reports),
        same=sum(report.same for report in reports),
        differences=sum(report.differences for report in reports),
        not_replayed=sum(report.not_replayed for report in reports),
        undecided=_summed(report.undecided for report in reports),
        engines=_summed(report.engines for report in reports),
        changed=_changed(reports),
        listed=tuple(sorted(listed, key=lambda one: order.index(one.change))),
        obstacles=_obstacles(reports),
        base=reports[0].base,
    )


def _summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))


def _changed(reports: Sequence[Report]) -> tuple[Changed, ...]:
    rows: dict[tuple[Change, str, str, str], Changed] = {}
    for row in (row for report in reports for row in report.changed):
        key = (row.change, row.rule, row.model, row.group)
        known = rows.get(key)
        rows[key] = row if known is None else replace(known, count=known.count + row.count, examples=_few(known, row))
    order = list(Change)
    return tuple(sorted(rows.values(), key=lambda row: (order.index(row.change), -row.count, row.rule, row.model)))


def _obstacles(reports: Sequence[Report]) -> tuple[NotReplayed, ...]:
    rows: dict[tuple[str, str], NotReplayed] = {}
    for row in (row for report in reports for row in report.obstacles):
        key = (row.why, row.detail)
        known = rows.get(key)
        rows[key] = row if known is None else replace(known, count=known.count + row.count, examples=_few(known, row))
    return tuple(sorted(rows.values(), key=lambda row: (-row.count, row.why, row.detail)))


def _few(known: Changed | NotReplayed, row: Changed | NotReplayed) -> tuple[str, ...]:
    return (*known.examples, *row.examples)[:EXAMPLES]
