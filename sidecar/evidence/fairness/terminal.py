"""The course as characters: the ratio in Braille dots (two wide and four high a cell), its bound as a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sidecar.evidence.fairness.course import MEANINGS, What

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sidecar.evidence.fairness.course import Moment, Point

ROWS = 12
LABEL_CHARS = 7
TOP_LIMIT = 4.0
"""A ratio beyond it is drawn at the edge: the plot is for telling which side of the limit it is on."""
SETTLED = 0.1
"""The first tenth of the points does not stretch the axis: estimates of few predictions are wild."""

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bits of U+2800 by row and column of the dot (Unicode, Braille Patterns)."""
_BRAILLE = 0x2800
_LEVELS = "▔━━▁"
_MARKS = {What.EPOCH: "e", What.WARNED: "w", What.CERTAIN: "C", What.ARMED: "T", What.RELEASED: "R"}


@dataclass(frozen=True, slots=True)
class _Axes:
    """From a number of predictions to a column of cells, and from a ratio to a row of dots from the top."""

    columns: int
    predictions: int
    top: float

    def column(self, predictions: int, parts: int = 1) -> int:
        return min(self.columns * parts - 1, predictions * self.columns * parts // max(1, self.predictions))

    def dot(self, ratio: float) -> int:
        part = (min(max(ratio, 1.0), self.top) - 1.0) / (self.top - 1.0)
        return round((1.0 - part) * (ROWS * 4 - 1))


def plot(points: Sequence[Point], moments: Sequence[Moment], limit: float | None, width: int = 78) -> list[str]:
    """Lines of at most `width` characters, the legend last. Without points there is nothing to plot."""
    if not points:
        return []
    axes = _Axes(width - LABEL_CHARS, points[-1].predictions, top_of(points, limit))
    cells = _bounds(points, axes)
    for (row, column), dots in _ratios(points, axes).items():
        cells[row, column] = chr(_BRAILLE + dots)
    lines = [_line(row, cells, axes, limit) for row in range(ROWS)]
    below = [_marks(moments, axes), _scale(axes), "", *_legend(moments, limit)]
    return [*lines, *(f"{' ' * LABEL_CHARS}{line}".rstrip() for line in below)]


def top_of(points: Sequence[Point], limit: float | None) -> float:
    """Where a plot's axis of ratios ends: with room above the limit, and above the ratio once it has settled."""
    ratios = [point.ratio for point in points if point.ratio is not None]
    settled = max(ratios[int(len(ratios) * SETTLED) :], default=1.0)
    return min(TOP_LIMIT, max(settled * 1.05, (limit or 1.0) * 1.15, 1.2))


def _ratios(points: Iterable[Point], axes: _Axes) -> dict[tuple[int, int], int]:
    """Dots by cell."""
    cells: dict[tuple[int, int], int] = {}
    for point in points:
        if point.ratio is not None:
            x, y = axes.column(point.predictions, 2), axes.dot(point.ratio)
            cells[y // 4, x // 2] = cells.get((y // 4, x // 2), 0) | _DOTS[y % 4][x % 2]
    return cells


def _bounds(points: Sequence[Point], axes: _Axes) -> dict[tuple[int, int], str]:
    """The line by cell: in each column the highest bound that stood there."""
    levels: dict[int, list[float | None]] = {}
    for point in points:
        levels.setdefault(axes.column(point.predictions), []).append(point.lower)
    cells: dict[tuple[int, int], str] = {}
    stands: float | None = None
    for column in range(axes.columns):
        found = levels.get(column, [stands])
        stands = found[-1]
        highest = max((level for level in found if level is not None), default=None)
        if highest is not None:
            dot = axes.dot(highest)
            cells[dot // 4, column] = _LEVELS[dot % 4]
    return cells


def _line(row: int, cells: dict[tuple[int, int], str], axes: _Axes, limit: float | None) -> str:
    is_limit = limit is not None and row == axes.dot(limit) // 4
    blank = "┄" if is_limit else " "
    value = limit if is_limit else axes.top if row == 0 else 1.0 if row == ROWS - 1 else None
    label = " " * 5 + "│" if value is None else f"{value:5.2f}┤"
    return f"{label} {''.join(cells.get((row, column), blank) for column in range(axes.columns))}".rstrip()


def _marks(moments: Sequence[Moment], axes: _Axes) -> str:
    """A letter each, side by side and in order where they fall together."""
    columns = [axes.column(moment.predictions) for moment in moments]
    for number in range(1, len(columns)):
        columns[number] = max(columns[number], columns[number - 1] + 1)
    rightmost = axes.columns
    marks = [" "] * axes.columns
    for column, moment in zip(reversed(columns), reversed(moments), strict=True):
        rightmost = min(column, rightmost - 1)
        if rightmost >= 0:
            marks[rightmost] = _MARKS[moment.what]
    return "".join(marks).rstrip()


def _scale(axes: _Axes) -> str:
    return "0" + f"{axes.predictions:,} predictions".rjust(axes.columns - 1)


def _legend(moments: Sequence[Moment], limit: float | None) -> list[str]:
    told = ["⠶ ratio", "━ its lower bound", *([] if limit is None else ["┄ the limit"])]
    seen = {moment.what for moment in moments}
    marks = [f"{mark} {MEANINGS[what]}" for what, mark in _MARKS.items() if what in seen]
    return ["   ".join(line) for line in (told, marks) if line]
