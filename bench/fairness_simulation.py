"""Simulates the test of disparate impact through the sidecar's own code. Started by `bench/fairness`.

Each run is one epoch: ticks go into a BlockBuilder, blocks into an ImpactTest, as sidecar/fairness/epoch.py has it.
The wealth changes only when a block closes, so looking at it then is looking at it after every prediction. Beside it
stand two rules that have no guarantee, looked at as often: to act on the estimate, and on the lower end of its 95 %
interval.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import dataclass
from functools import partial
from math import inf
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from bench.fairness_streams import LIMIT, SCENARIOS, TICK, Scenario
from sidecar.fairness.cells import Tally
from sidecar.fairness.eprocess import WARNING_ALPHA, BlockBuilder, ImpactTest
from sidecar.fairness.metrics import Rate, impact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ALPHA = 0.01
GOAL_FALSE = 0.01
BATCH = 25
"""Runs that a process takes at once."""


@dataclass(frozen=True, slots=True)
class Run:
    """After how many predictions each rule triggered; infinite: never."""

    certain: float
    warned: float
    estimate: float
    bound: float


@dataclass(frozen=True, slots=True)
class Result:
    """All runs of one scenario."""

    scenario: Scenario
    runs: Sequence[Run]

    def triggered(self, rule: str) -> Rate:
        """In how many runs, before anything was wrong or, where it never is, at all."""
        until = inf if self.scenario.starts is None else self.scenario.starts or -1
        return Rate(len(self.runs), sum(getattr(run, rule) <= until and getattr(run, rule) < inf for run in self.runs))

    def median_delay(self, rule: str) -> float:
        """The median number of predictions from the moment on that the limit is exceeded."""
        return median(getattr(run, rule) for run in self.runs) - (self.scenario.starts or 0)

    def meets(self) -> bool | None:
        """Whether the goal is met; None where there is none."""
        if self.scenario.starts is None:
            return self.triggered("certain").value <= GOAL_FALSE
        goal = self.scenario.median_goal
        return None if goal is None else self.median_delay("certain") <= goal


def main() -> int:
    """Prints the report; exit code 1 where a goal is missed."""
    arguments = _arguments()
    chosen = [(number, one) for number, one in enumerate(SCENARIOS) if arguments.only in one.name]
    results = simulate(chosen, arguments.runs, arguments.seed, arguments.processes)
    if arguments.plot is not None:
        from bench.fairness_plot import plot  # noqa: PLC0415 (matplotlib takes a second and is an extra)

        plot(results, arguments.plot)
    print(as_json(results, arguments.seed) if arguments.json else markdown(results, arguments.seed))
    return 0 if all(result.meets() is not False for result in results) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/fairness", description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="of each scenario (default 2000)")
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--only", default="", help="scenarios whose name holds this")
    parser.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--plot", type=Path, help="where to draw when each run triggered (PNG)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def simulate(chosen: Sequence[tuple[int, Scenario]], runs: int, seed: int, processes: int) -> list[Result]:
    """Runs them all, with a progress bar on standard error. The result does not depend on the number of processes."""
    batches = [(number, first, min(first + BATCH, runs)) for number, _ in chosen for first in range(0, runs, BATCH)]
    found: dict[int, dict[int, Sequence[Run]]] = {number: {} for number, _ in chosen}
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True)) as bar, get_context("spawn").Pool(processes) as pool:
        task = bar.add_task("epochs", total=runs * len(chosen))
        for number, first, done in pool.imap_unordered(partial(_batch, seed), batches):
            found[number][first] = done
            bar.advance(task, len(done))
    return [
        Result(scenario, [run for _, batch in sorted(found[number].items()) for run in batch])
        for number, scenario in chosen
    ]


def _batch(seed: int, batch: tuple[int, int, int]) -> tuple[int, int, list[Run]]:
    number, first, last = batch
    scenario = SCENARIOS[number]
    return number, first, [one_run(scenario, np.random.default_rng([seed, number, run])) for run in range(first, last)]


def one_run(scenario: Scenario, rng: np.random.Generator) -> Run:
    """One epoch, which is over for the test when it is certain."""
    builder, test = BlockBuilder(scenario.groups), ImpactTest(scenario.groups, LIMIT)
    naive = _Naive(scenario.groups)
    seen, warned = 0, inf
    for tick in scenario.ticks(rng):
        seen += TICK
        block = builder.add(tick)
        if block is None:
            continue
        test.fold(block)
        if scenario.starts is None:
            naive.look(block, seen)
        if test.warned(WARNING_ALPHA) and warned == inf:
            warned = seen
        if test.certain(ALPHA):
            return Run(seen, warned, naive.estimate, naive.bound)
    return Run(inf, warned, naive.estimate, naive.bound)


class _Naive:
    """The rules without a guarantee: when they triggered."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._tallies = {group: Tally() for group in groups}
        self.estimate = inf
        self.bound = inf

    def look(self, block: Mapping[str, tuple[int, int]], seen: int) -> None:
        for group, (n, positive) in block.items():
            self._tallies[group].merge(Tally(n, n, positive))
        found = impact(self._tallies) if all(tally.n >= 30 for tally in self._tallies.values()) else None
        if found is not None and found.ratio > LIMIT:
            self.estimate = min(self.estimate, seen)
            if found.lower > LIMIT:
                self.bound = min(self.bound, seen)


def markdown(results: Sequence[Result], seed: int) -> str:
    """Two tables: false triggers, and how soon a disparity is found."""
    runs = len(results[0].runs) if results else 0
    lines = [f"{runs:,} epochs of each kind, seed {seed}, limit {LIMIT:g}, alpha {ALPHA:g}.", ""]
    within = [result for result in results if result.scenario.starts is None]
    if within:
        lines += [
            "| true ratio: never beyond the limit | certain % (95 % interval) | warned % | estimate % | bound % |"
        ]
        lines += ["|---|---|---|---|---|", *map(_within_line, within), ""]
    beyond = [result for result in results if result.scenario.starts is not None]
    if beyond:
        lines += ["| true ratio: beyond the limit | certain: median | goal | warned: median | never % | too early % |"]
        lines += ["|---|---|---|---|---|---|", *map(_beyond_line, beyond), ""]
    return "\n".join(lines)


def _within_line(result: Result) -> str:
    certain = result.triggered("certain")
    low, high = certain.interval()
    others = " | ".join(f"{100 * result.triggered(rule).value:.2f}" for rule in ("warned", "estimate", "bound"))
    return f"| {result.scenario.name} | {100 * certain.value:.2f} ({100 * low:.2f} to {100 * high:.2f}) | {others} |"


def _beyond_line(result: Result) -> str:
    goal = result.scenario.median_goal
    told = "-" if goal is None else f"{goal:,} {'met' if result.meets() else 'missed'}"
    never = sum(run.certain == inf for run in result.runs) / len(result.runs)
    early = result.triggered("certain").value
    medians = [f"{result.median_delay(rule):,.0f}" for rule in ("certain", "warned")]
    return f"| {result.scenario.name} | {medians[0]} | {told} | {medians[1]} | {100 * never:.1f} | {100 * early:.2f} |"


def as_json(results: Sequence[Result], seed: int) -> str:
    """The same for a program."""
    return json.dumps(
        {
            "seed": seed,
            "limit": LIMIT,
            "alpha": ALPHA,
            "scenarios": [
                {
                    "name": result.scenario.name,
                    "runs": len(result.runs),
                    "exceeded_from": result.scenario.starts,
                    "false": {rule: result.triggered(rule).value for rule in ("certain", "warned")},
                    "median_delay": _finite(result.median_delay("certain")),
                    "median_goal": result.scenario.median_goal,
                    "meets": result.meets(),
                }
                for result in results
            ],
        },
        indent=1,
    )


def _finite(value: float) -> float | None:
    return value if value < inf else None


if __name__ == "__main__":
    sys.exit(main())
