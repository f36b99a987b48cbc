"""Figures for people: percentiles, Markdown tables, and plots without a display."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Mapping, Sequence
    from pathlib import Path


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The least of the ordered values that `percent` of them do not exceed (nearest rank); ValueError of none."""
    if not ordered:
        raise ValueError("no values, no percentile")
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """In Markdown: the first column to the left, others to the right. A row of another length: ValueError."""
    rules = ["---", *["---:"] * (len(heads) - 1)]
    lines = [heads, rules, *([cell(value) for _, value in zip(heads, row, strict=True)] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(value: object) -> str:
    """Three digits or so; nothing is a dash."""
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) < 10 else f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


@contextmanager
def plot(path: Path, *, wide: float = 9, high: float = 4.5) -> Generator[Any]:
    """Axes of an SVG that is written when left. The file is the same for the same figures."""
    import matplotlib as mpl  # noqa: PLC0415  # half a second, for those who want a picture

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = path.stem
    from matplotlib import pyplot  # noqa: PLC0415

    figure, axes = pyplot.subplots(figsize=(wide, high), layout="constrained")
    yield axes
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)


def stacked_bar(axes: Any, row: int, parts: Mapping[str, float], color: str, *, least: float) -> None:
    """A bar of named parts, one after the other; parts smaller than `least` have no room for their name."""
    left = 0.0
    for name, length in parts.items():
        axes.barh(row, length, left=left, color=color, edgecolor="white")
        if length >= least:
            where = {"ha": "center", "va": "center", "color": "white", "fontsize": 7}
            axes.text(left + length / 2, row, f"{name} {length:,.0f}", **where)
        left += length
