"""A replay's report for a person."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from sidecar.evidence.printable import printable
from sidecar.evidence.replay.compare import Change
from sidecar.evidence.replay.rows import MEANINGS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sidecar.evidence.replay.report import Changed, NotReplayed, Report

TITLES = {
    Change.DENY_TO_ALLOW: "denied then, allowed now",
    Change.ALLOW_TO_DENY: "allowed then, denied now",
    Change.REASONS: "denied for other reasons",
    Change.OBLIGATIONS: "other obligations",
    Change.SHADOW: "otherwise in shadow",
    Change.MESSAGES: "the same in other words",
}


def told(report: Report) -> str:
    """The differences, what could not be replayed, and the totals last, where a terminal shows them."""
    return "\n".join([*_changes(report.changed), *_obstacles(report.obstacles), *_totals(report)])


def _changes(changed: Sequence[Changed]) -> Iterator[str]:
    for change, rows in groupby(changed, key=lambda row: row.change):
        found = list(rows)
        yield f"{TITLES[change]}: {sum(row.count for row in found):,}"
        yield from _table(
            ("rule", "model", "group", "count", "for example"),
            [(row.rule, row.model, row.group, f"{row.count:,}", row.examples[0]) for row in found],
        )
        yield ""


def _obstacles(obstacles: Sequence[NotReplayed]) -> Iterator[str]:
    if not obstacles:
        return
    yield f"not replayed: {sum(row.count for row in obstacles):,}"
    yield from _table(
        ("why", "what", "count", "for example"),
        [(MEANINGS[row.why], row.detail, f"{row.count:,}", next(iter(row.examples), "")) for row in obstacles],
    )
    yield ""


def _totals(report: Report) -> Iterator[str]:
    policy = f"policy {report.candidate}" if report.candidate else "the policies that decided"
    against = f" against what policy {report.base} decides" if report.base else ""
    engines = " and ".join(f"{count:,} by {engine}" for engine, count in report.engines.items())
    yield f"{report.records:,} records looked at, with {policy}{against}:"
    yield f"  {report.replayed:,} decisions replayed{f' ({engines})' if engines else ''}"
    yield f"  {report.differences:,} of them different"
    yield f"  {report.not_replayed:,} decisions not replayed"
    yield f"  {sum(report.undecided.values()):,} records without a decision"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    lines = [head, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
