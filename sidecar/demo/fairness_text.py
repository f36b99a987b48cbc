"""Fairness over the demo's calls, for a person: a row a model, and the second phase told and plotted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.table import Table

from sidecar.demo.skewed import APPROVED_OF_OTHERS, SKEWED, UNTOUCHED
from sidecar.evidence.fairness.course import What
from sidecar.evidence.fairness.terminal import plot

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from rich.console import Console

    from sidecar.demo.fairness import Fairness
    from sidecar.evidence.fairness.report import ModelReport

WIDTH = 78


def show_fairness(fairness: Fairness, audit_dir: Path, sidecar_command: str, console: Console) -> None:
    """Prints the section."""
    console.print("[bold]Fairness in the request path[/]: highest over lowest approval rate")
    console.print(_models(fairness))
    console.print(f"[bold]{SKEWED}[/] is [bold]synthetic[/]: {_synthetic()}")
    for sentence in _course(fairness):
        console.print(sentence)
    skewed = fairness.of(SKEWED)
    if skewed is not None:
        console.print()
        for line in plot(skewed.points, skewed.moments, skewed.limit, WIDTH):
            console.print(line, markup=False, soft_wrap=True)
    console.print(f"\nBoth models as a picture: {fairness.plot}", soft_wrap=True)
    console.print("The same from the log, with every metric:")
    console.print(f"  {sidecar_command} audit report --fairness {audit_dir}\n", soft_wrap=True)


def _models(fairness: Fairness) -> Table:
    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    table.add_column("\nmodel", no_wrap=True)
    for name in ("pre-\ndictions", "ratio,\nestimate", "certainly\nabove", "\nlimit", "\nstate"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("\nthe policy")
    for model in fairness.models:
        last = model.last
        ratio = last.ratio if last else None
        figures = (_figure(value) for value in (ratio, model.proven, model.limit))
        table.add_row(model.model, f"{model.predictions:,}", *figures, model.state, _did(model))
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _did(model: ModelReport) -> str:
    return "throttled it" if any(moment.what is What.ARMED for moment in model.moments) else "did nothing"


def _synthetic() -> str:
    return (
        f"the scores of credit, but a cut-off that lets about {APPROVED_OF_OTHERS:.0%} pass of every group but "
        f"{UNTOUCHED}. The applications held back are drawn again and again, and sent to it."
    )


def _course(fairness: Fairness) -> Iterator[str]:
    skewed = fairness.of(SKEWED)
    armed = next((moment for moment in skewed.moments if moment.what is What.ARMED), None) if skewed else None
    if armed is None or not fairness.throttled:
        yield f"[red]After {fairness.calls:,} calls it was not throttled.[/]"
        return
    yield (
        f"After {armed.predictions:,} predictions it was certain that the limit is exceeded: the model was throttled "
        f"to {fairness.rate_per_s} call a second for {fairness.hold_s} s (so short only for you to watch). "
        f"{fairness.throttled:,} calls met 429 (model_throttled), for {fairness.throttled_s:.1f} s; then calls passed "
        "again, and a fresh test began."
    )
    yield "Both the throttle and its release are events in the audit trail."
