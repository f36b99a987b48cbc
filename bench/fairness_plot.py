"""Draws when the runs of `bench/fairness` triggered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib import pyplot as plt

from bench.fairness_streams import PREDICTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.fairness_simulation import Result


def plot(results: Sequence[Result], path: Path) -> None:
    """The share of runs that were certain by then: left where the limit is kept, right where it is exceeded."""
    mpl.use("Agg")
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), layout="constrained")
    kept, exceeded = axes
    for axis in axes:
        axis.set_prop_cycle(color=plt.get_cmap("tab20").colors)
    for result in results:
        axis = kept if result.scenario.starts is None else exceeded
        times = sorted(run.certain for run in result.runs if run.certain <= PREDICTIONS)
        shares = [100 * (index + 1) / len(result.runs) for index in range(len(times))]
        axis.step(
            [0, *times, PREDICTIONS],
            [0, *shares, shares[-1] if shares else 0],
            where="post",
            label=result.scenario.name,
        )
    kept.axhline(1, color="black", linestyle="--", label="alpha: 1 %")
    kept.set(title="Within the limit: wrongly certain", ylabel="% of epochs", xlabel="predictions", ylim=(0, 2))
    exceeded.axhline(50, color="black", linestyle=":", linewidth=1)
    exceeded.set(title="Beyond the limit: certain", ylabel="% of epochs", xlabel="predictions", ylim=(0, 100))
    for axis in axes:
        axis.legend(fontsize="x-small", ncols=2 if axis is kept else 1)
    figure.savefig(path, dpi=120)
    plt.close(figure)
