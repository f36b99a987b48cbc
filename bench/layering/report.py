"""The report of layers, sizes, disturbances and endurance: Markdown, JSON, and CPU by layer as a plot."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from bench.figures import cell, plot, stacked_bar, table
from bench.layering.enduring import CONNECTIONS
from bench.layering.layers import LAYERS, SIZED
from bench.layering.measuring import DIRECT

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from bench.layering.disturbing import Disturbed
    from bench.layering.enduring import Endured
    from bench.layering.measuring import Sample
    from bench.machine import Machine

LABELLED_US = 100
DOUBLED = 2.0
"""The goal: during a reload the p99 stays below so many times the undisturbed one."""


@dataclass(frozen=True, slots=True)
class Report:
    """A part that was not asked for is empty."""

    command: str
    machine: Machine
    layers: Sequence[Sample]
    sizes: Sequence[Sample]
    disturbed: Sequence[Disturbed]
    rate: int
    endured: Endured | None = None


def markdown(report: Report) -> str:
    """For people."""
    return "\n\n".join(_parts(report)) + "\n"


def as_json(report: Report) -> str:
    """All samples."""
    return json.dumps(dataclasses.asdict(report), indent=1)


def draw(report: Report, path: Path) -> None:
    """What each layer takes of a processor, by process."""
    names = [name for name in _names(report.layers) if name != DIRECT]
    with plot(path) as axes:
        for row, name in enumerate(names):
            stacked_bar(axes, row, _cpu(_busiest(report.layers, name)), "tab:blue", least=LABELLED_US)
        axes.set_yticks(range(len(names)), [LAYERS[name].title for name in names], fontsize=8)
        axes.invert_yaxis()
        axes.set_xlabel("µs of CPU a request")


def _parts(report: Report) -> Iterator[str]:
    yield "# What each layer adds"
    yield f"`{report.command}` on {report.machine.sentence()} load {report.machine.load:.1f} before. Medians of turns."
    for title, samples in (("Layers", report.layers), ("Bodies", report.sizes)):
        if samples:
            yield f"## {title}"
            yield _layer_table(samples)
    if report.disturbed:
        yield f"## Disturbances\n\nAt {report.rate:,} requests/s, one in ten of them bad; times from when each was due."
        yield "Calls are those of all turns, percentiles the medians of turns, the highest time that of all."
        yield _disturbed_table(report.disturbed)
    if report.endured is not None:
        yield f"## Endurance\n\n{_endurance(report.endured)}"


def _layer_table(samples: Sequence[Sample]) -> str:
    heads = ["layer", "", "conns", "req/s", "p50 ms", "added ms", "p99 ms", "CPU µs/req", "of which", "MiB", "failed"]
    loads = dict.fromkeys((one.layer, one.connections) for one in samples)
    return table(heads, (_layer_row(samples, *load) for load in loads))


def _layer_row(samples: Sequence[Sample], name: str, connections: int) -> list[object]:
    turns = _of(samples, name, connections)
    known = LAYERS.get(name) or SIZED.get(name)
    p50_ms = median(one.p50_ms for one in turns)
    bare_ms = median(one.p50_ms for one in _of(samples, DIRECT, connections))
    cpu = _cpu(turns)
    return [
        name,
        known.title if known else "the upstream alone",
        connections,
        round(median(one.requests_per_s for one in turns)),
        p50_ms,
        None if name == DIRECT else p50_ms - bare_ms,
        median(one.p99_ms for one in turns),
        sum(cpu.values()) or None,
        ", ".join(f"{process} {cell(round(cpu_us))}" for process, cpu_us in cpu.items()) or None,
        median(sum(one.resident_mib.values()) for one in turns) or None,
        sum(one.failed for one in turns),
    ]


def _disturbed_table(found: Sequence[Disturbed]) -> str:
    calm = {one.engine: one.p99_ms for one in found if one.name == "undisturbed"}
    heads = ["", "engine", "requests", "p50 ms", "p99 ms", "times undisturbed"]
    heads += ["", "highest ms", "refused besides", "unjudged"]
    rows = (
        [
            one.name,
            one.engine,
            one.requests,
            one.p50_ms,
            one.p99_ms,
            one.p99_ms / calm[one.engine],
            _verdict(one, calm[one.engine]),
            one.highest_ms,
            one.refused_besides,
            one.unjudged,
        ]
        for one in found
    )
    return table(heads, rows)


def _endurance(found: Endured) -> str:
    """Most of what the first minute adds are tokens that are remembered; after it a sidecar should not grow."""
    starts = ", ".join(f"{ready_s:.2f}" for ready_s in sorted(found.ready_s))
    memory = ", ".join(f"{mib:.1f}" for mib in found.resident_mib)
    return (
        f"Seconds from start to ready: {starts}. MiB at {CONNECTIONS} connections, when ready and after each minute: "
        f"{memory}. {found.requests:,} calls, {found.failed:,} of them without a prediction."
    )


def _verdict(one: Disturbed, calm_ms: float) -> str | None:
    if one.name != "policy reloaded":
        return None
    return "reached" if one.p99_ms < DOUBLED * calm_ms else "missed"


def _cpu(turns: Sequence[Sample]) -> dict[str, float]:
    processes = dict.fromkeys(process for one in turns for process in one.cpu_us)
    return {process: median(one.cpu_us.get(process, 0.0) for one in turns) for process in processes}


def _busiest(samples: Sequence[Sample], name: str) -> list[Sample]:
    return _of(samples, name, max(one.connections for one in samples))


def _of(samples: Sequence[Sample], name: str, connections: int) -> list[Sample]:
    return [one for one in samples if one.layer == name and one.connections == connections]


def _names(samples: Sequence[Sample]) -> list[str]:
    return list(dict.fromkeys(one.layer for one in samples))
