"""The course as a picture, by matplotlib (extra `plot`): one panel a model and version."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from sidecar.evidence.fairness.course import MEANINGS, What
from sidecar.evidence.fairness.terminal import top_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from sidecar.evidence.fairness.course import Moment
    from sidecar.evidence.fairness.report import ModelReport

WIDTH_IN, PANEL_IN, LEGEND_IN = 10.0, 4.0, 0.4
DPI = 120
PANELS_LIMIT = 16
"""A picture with more is none that anybody reads; `--model` picks one."""

# Okabe and Ito's palette: told apart with every kind of colour vision, and in grey by line style.
RATIO, BOUND, LIMIT, HELD = "#0072B2", "#D55E00", "#000000", "#E69F00"
_MARKS = {
    What.EPOCH: ("#999999", ":"),
    What.WARNED: ("#CC79A7", (0, (4, 3))),
    What.CERTAIN: ("#D55E00", "-"),
    What.ARMED: ("#E69F00", "-"),
    What.RELEASED: ("#009E73", "-"),
}
_ROWS = 3
"""Words of moments that lie close together stand below each other."""


def draw(models: Sequence[ModelReport], path: Path) -> None:
    """Writes the picture. Raises ImportError without matplotlib, OSError, and ValueError for another ending."""
    picture(models).savefig(path)


def picture(models: Sequence[ModelReport]) -> Any:
    """A `matplotlib.figure.Figure`, for notebooks. Raises ImportError."""
    figure_of: Any = import_module("matplotlib.figure").Figure
    shown = models[:PANELS_LIMIT]
    figure = figure_of(figsize=(WIDTH_IN, PANEL_IN * max(1, len(shown)) + LEGEND_IN), dpi=DPI, layout="constrained")
    handles: dict[str, Any] = {}
    for panel, model in zip(figure.subplots(max(1, len(shown)), squeeze=False)[:, 0], shown, strict=False):
        handles |= _draw_model(panel, model)
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles) or 1, frameon=False)
    return figure


def _draw_model(panel: Any, model: ModelReport) -> dict[str, Any]:
    """The panel's lines by their words in the legend."""
    points = model.points
    numbers = [point.predictions for point in points]
    panel.plot(numbers, _gaps([point.ratio for point in points]), color=RATIO, lw=1.3, label="ratio, estimate")
    panel.plot(
        numbers,
        _gaps([point.lower for point in points]),
        color=BOUND,
        lw=2.2,
        drawstyle="steps-post",
        label=f"its lower bound, valid at every look (alpha {model.alpha:g} an epoch)",
    )
    if model.limit is not None:
        panel.axhline(model.limit, color=LIMIT, lw=1, ls="--", label="the policy's limit")
    last = numbers[-1] if numbers else 1
    _mark(panel, model.moments, last)
    panel.set_xlim(0, last)
    panel.set_ylim(1.0, top_of(points, model.limit))
    panel.set_title(_title(model), loc="left", fontsize=11)
    panel.set_xlabel("predictions")
    panel.set_ylabel("highest over lowest\nrate of positive outcomes")
    panel.xaxis.set_major_formatter("{x:,.0f}")
    panel.grid(axis="y", alpha=0.25)
    panel.spines[["top", "right"]].set_visible(False)
    lines, words = panel.get_legend_handles_labels()
    return dict(zip(words, lines, strict=True))


def _title(model: ModelReport) -> str:
    name = model.model if model.version is None else f"{model.model}, version {model.version}"
    return f"Disparate impact of {name} over {model.predictions:,} predictions"


def _gaps(values: Sequence[float | None]) -> list[float]:
    """matplotlib leaves out what is not a number."""
    return [float("nan") if value is None else value for value in values]


def _mark(panel: Any, moments: Sequence[Moment], last: int) -> None:
    """A line each with its word at the top, and the stretches under a throttle shaded."""
    across = panel.get_xaxis_transform()
    row, before = 0, float("-inf")
    for moment in moments:
        colour, style = _MARKS[moment.what]
        panel.axvline(moment.predictions, color=colour, ls=style, lw=1.2, zorder=1)
        row = (row + 1) % _ROWS if moment.predictions - before < last * 0.1 else 0
        before = moment.predictions
        is_late = moment.predictions > last * 0.9
        panel.annotate(
            MEANINGS[moment.what],
            (moment.predictions, 0.97 - 0.07 * row),
            xycoords=across,
            xytext=(-4 if is_late else 4, 0),
            textcoords="offset points",
            ha="right" if is_late else "left",
            va="top",
            fontsize=8,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1},
        )
    for begin, end in _holds(moments, last):
        panel.axvspan(begin, end, color=HELD, alpha=0.15, lw=0, zorder=0)


def _holds(moments: Sequence[Moment], last: int) -> list[tuple[int, int]]:
    """From each throttle to its release, or to the end."""
    holds: list[tuple[int, int]] = []
    begin: int | None = None
    for moment in moments:
        if moment.what is What.ARMED and begin is None:
            begin = moment.predictions
        elif moment.what is What.RELEASED and begin is not None:
            holds.append((begin, moment.predictions))
            begin = None
    return holds if begin is None else [*holds, (begin, last)]
