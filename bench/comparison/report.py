"""The report: every stack under every load, then the goals. Markdown, a plot, and the samples as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from statistics import median
from typing import TYPE_CHECKING

from bench.comparison.goals import ratios
from bench.comparison.measuring import DIRECT
from bench.comparison.stacks import OURS, PEERS, STACKS
from bench.figures import cell, plot, stacked_bar, table
from bench.series import SERIES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.comparison.goals import Ratio
    from bench.comparison.samples import Cell, Measured, Sample, Steady
    from bench.machine import Machine

LABELLED_US = 100


def markdown(measured: Measured, machine: Machine, command: str) -> str:
    """For people."""
    return "\n\n".join(_parts(measured, machine, command)) + "\n"


def as_json(measured: Measured, machine: Machine, command: str) -> str:
    """All samples."""
    found = [dataclasses.asdict(one) | {"verdict": one.verdict} for one in ratios(measured.samples)]
    whole = {"command": command, "machine": dataclasses.asdict(machine), **dataclasses.asdict(measured)}
    return json.dumps(whole | {"ratios": found}, indent=1)


def draw(measured: Measured, path: Path) -> None:
    """CPU a request, by process, at the most connections, in the first series."""
    loads = _cells(measured.samples)
    load = max(loads, key=lambda each: (each.series == loads[0].series, each.connections))
    stacks = [name for name in _stacks(measured.samples) if name != DIRECT]
    with plot(path) as axes:
        for row, name in enumerate(stacks):
            color = "tab:blue" if name in OURS else "tab:gray"
            stacked_bar(axes, row, _cpu(_of(measured.samples, name, load)), color, least=LABELLED_US)
        axes.set_yticks(range(len(stacks)), [STACKS[name].title for name in stacks], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel(f"µs of CPU a request ({load.series}, {load.connections} connections)")


def _parts(measured: Measured, machine: Machine, command: str) -> Iterator[str]:
    yield "# The sidecar beside its peers"
    yield f"`{command}` on {machine.sentence()} load {machine.load:.1f} before. Medians of interleaved turns."
    if measured.missing:
        yield "Missing:\n" + "\n".join(f"- {STACKS[name].title}: {why}" for name, why in measured.missing.items())
    yield "## Goals\n\nOurs over the peer's, in the set-up of it that was faster."
    yield table(
        ["ours", "series", "conns", "beside", "throughput", "goal", "CPU", "goal", ""],
        map(_goal_row, ratios(measured.samples)),
    )
    yield from _latency(measured)
    for load in _cells(measured.samples):
        yield f"## {load.series}: {SERIES[load.series]}; {load.connections} connections"
        yield _load_table(measured.samples, load)


def _goal_row(found: Ratio) -> list[object]:
    goal = found.goal
    cpu_goal = f"≤ {goal.cpu_reach}; {goal.cpu_stretch}" if goal.cpu_reach else None
    return [
        STACKS[goal.ours].title,
        found.cell.series,
        found.cell.connections,
        STACKS[found.against].title,
        found.throughput,
        f"≥ {goal.reach}; {goal.stretch}",
        found.cpu,
        cpu_goal,
        found.verdict,
    ]


def _latency(measured: Measured) -> Iterator[str]:
    """Latency added on one connection, and the tail at a constant rate: ours are to be lower than each peer's."""
    added = {name: value for name in _stacks(measured.samples) if (value := _added_ms(measured, name)) is not None}
    p99 = {name: median(one.p99_ms for one in turns) for name, turns in _steady(measured).items()}
    if not added and not p99:
        return
    yield "## Latency\n\nOne connection: p50 above the upstream's own. Constant rate: from when each request was due."
    rate = measured.steady[0].rate if measured.steady else 0
    failed = Counter({name: sum(one.failed for one in turns) for name, turns in _steady(measured).items()})
    peers = [name for names in PEERS.values() for name in names]
    rows = (
        [
            STACKS[name].title if name in STACKS else name,
            added.get(name),
            _lower(name, added, peers),
            p99.get(name),
            failed[name] if name in p99 else None,
            _lower(name, p99, peers),
        ]
        for name in dict.fromkeys([*added, *p99])
    )
    yield table(["stack", "added ms", "", f"p99 ms at {rate:,}/s", "failed", ""], rows)


def _lower(name: str, values: dict[str, float], peers: Sequence[str]) -> str | None:
    rivals = [values[peer] for peer in peers if peer in values]
    if name not in OURS or name not in values or not rivals:
        return None
    return "reached" if values[name] < min(rivals) else "missed"


def _added_ms(measured: Measured, name: str) -> float | None:
    for load in _cells(measured.samples):
        if load.connections == 1 and name != DIRECT:
            own, bare = (_of(measured.samples, each, load) for each in (name, DIRECT))
            return median(one.p50_ms for one in own) - median(one.p50_ms for one in bare)
    return None


def _steady(measured: Measured) -> dict[str, list[Steady]]:
    by_name: dict[str, list[Steady]] = {}
    for one in measured.steady:
        by_name.setdefault(one.stack, []).append(one)
    return by_name


def _load_table(samples: Sequence[Sample], load: Cell) -> str:
    heads = [
        "stack",
        "phases",
        "req/s",
        "p50 ms",
        "p99 ms",
        "CPU µs/req",
        "of which",
        "MiB",
        "verified",
        "decided",
        "failed",
    ]
    return table(heads, (_load_row(name, _of(samples, name, load)) for name in _stacks(samples)))


def _load_row(name: str, turns: Sequence[Sample]) -> list[object]:
    stack = STACKS.get(name)
    shares = ", ".join(f"{process} {cell(round(cpu_us))}" for process, cpu_us in _cpu(turns).items())
    return [
        stack.title if stack else "upstream alone",
        stack.phases if stack else "none",
        round(median(one.requests_per_s for one in turns)),
        median(one.p50_ms for one in turns),
        median(one.p99_ms for one in turns),
        median(one.total_cpu_us for one in turns) or None,
        shares or None,
        median(one.total_mib for one in turns) or None,
        _share([one.verified_from_cache for one in turns]),
        _share([one.decided_from_cache for one in turns]),
        sum(one.failed for one in turns),
    ]


def _share(rates: Sequence[float | None]) -> str | None:
    known = [rate for rate in rates if rate is not None]
    return f"{median(known):.0%} cached" if known else None


def _cpu(turns: Sequence[Sample]) -> dict[str, float]:
    processes = dict.fromkeys(process for one in turns for process in one.cpu_us)
    return {process: median(one.cpu_us.get(process, 0.0) for one in turns) for process in processes}


def _of(samples: Sequence[Sample], name: str, load: Cell) -> list[Sample]:
    return [one for one in samples if one.stack == name and one.cell == load]


def _stacks(samples: Sequence[Sample]) -> list[str]:
    return list(dict.fromkeys(one.stack for one in samples))


def _cells(samples: Sequence[Sample]) -> list[Cell]:
    return list(dict.fromkeys(one.cell for one in samples))
