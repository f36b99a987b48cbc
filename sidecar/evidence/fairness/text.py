"""A fairness report for a person, within 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidecar.evidence.fairness.course import MEANINGS
from sidecar.evidence.fairness.terminal import plot
from sidecar.evidence.findings import utc
from sidecar.evidence.printable import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sidecar.evidence.fairness.report import ModelReport, Report

MOMENTS_SHOWN = 20
RATE_REMARK = "Positive rates and metrics: intervals at 95 %, for one look. Mean scores: bounds valid at every look."


def told(report: Report) -> str:
    """Every model: its plot, its groups, its metrics, its moments; totals last."""
    lines = [line for model in report.models for line in (*tell_model(model), "")]
    return "\n".join([*lines, *_totals(report)])


def tell_model(model: ModelReport) -> Iterator[str]:
    """One model and version."""
    yield title(model)
    yield f"  {utc(_ns(model.first_unix_s))} to {utc(_ns(model.last_unix_s))}, the window's state is {model.state}"
    yield from (f"  {line}".rstrip() for line in ("", *plot(model.points, model.moments, model.limit)))
    yield ""
    yield from _groups(model)
    if model.measures:
        yield ""
        yield from _measures(model)
    if model.moments:
        yield ""
        yield from _moments(model)


def title(model: ModelReport) -> str:
    """What it is, and how it stood at the end."""
    name = model.model if model.version is None else f"{model.model}, version {model.version}"
    last = model.last
    if last is None or last.ratio is None:
        stood = "too little is known for a ratio"
    else:
        proven = "" if model.proven is None else f" (certainly above {model.proven:.2f} at some time)"
        stood = f"ratio {last.ratio:.2f}{proven}"
    limit = "" if model.limit is None else f"; the limit is {model.limit:.2f}"
    return f"{printable(name)}: {model.predictions:,} predictions, {stood}{limit}"


def _groups(model: ModelReport) -> Iterator[str]:
    rows = [
        (
            row.group,
            f"{row.n:,}",
            f"{row.refused:,}",
            _percent(row.positive_rate),
            _between(row.rate_lower, row.rate_upper, _percent),
            _number(row.mean_score),
            _between(row.mean_lower, row.mean_upper, _number),
        )
        for row in model.groups
    ]
    yield from _table(("group", "n", "refused", "positive", "95 %", "mean score", "bounds"), rows, left=1)


def _measures(model: ModelReport) -> Iterator[str]:
    rows = [
        (measure.name, _number(measure.value), _between(measure.lower, measure.upper, _number), measure.detail)
        for measure in model.measures
    ]
    yield from _table(("metric", "value", "95 %", ""), rows, left=1)
    if model.labelled:
        yield f"  with {model.labelled:,} true outcomes of {model.predictions:,}"


def _moments(model: ModelReport) -> Iterator[str]:
    for moment in model.moments[:MOMENTS_SHOWN]:
        yield f"  {utc(_ns(moment.unix_s))}  after {moment.predictions:>9,}  {MEANINGS[moment.what]}"
    hidden = model.moments_total - MOMENTS_SHOWN
    if hidden > 0:
        yield f"  … and {hidden:,} more"


def _totals(report: Report) -> Iterator[str]:
    yield RATE_REMARK
    yield f"{report.records:,} records looked at"
    if report.unreadable:
        yield f"{report.unreadable:,} of them passed over: not as this version writes them"
    if report.left_out:
        yield f"{report.left_out:,} predictions left out: more models and versions than are watched"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> Iterator[str]:
    """The first `left` columns flush left, and the last where it has no head."""
    lines = [head, *(tuple(map(printable, row)) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    for line in lines:
        cells = [
            cell.ljust(width) if column < left or not head[column] else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield f"  {'  '.join(cells)}".rstrip()


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(lower: float | None, upper: float | None, told_as: Callable[[float | None], str]) -> str:
    return "-" if lower is None or upper is None else f"{told_as(lower)} to {told_as(upper)}"


def _ns(unix_s: float) -> int:
    return int(unix_s * 1e9)
