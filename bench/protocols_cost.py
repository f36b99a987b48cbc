"""Measures what large bodies cost: speed of reading, memory, and how long others wait. Started by `bench/protocols`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.held import Held, held
from bench.machine import Machine, describe
from bench.processes import BenchError
from bench.reading import Read, reading
from bench.stack import OTHER_CORES
from bench.stalls import CLIENTS, Stall, stalls

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MIB = 2**20
PARTS = ("reading", "memory", "stalls")
GOAL_MB_S = 100
"""For plain V2 JSON; other protocols and coded bodies are shown beside it."""
GOAL_COPIES = 1.0


@dataclass(frozen=True, slots=True)
class Report:
    """What was asked for; a part that was not is empty."""

    machine: Machine
    reading: Sequence[Read]
    memory: Sequence[Held]
    stalls: Sequence[Stall]


def main() -> int:
    """Prints the report; exit code 2 where it cannot be measured."""
    arguments = _arguments()
    try:
        report = _measure(arguments)
    except BenchError as error:
        print(f"protocols: error: {error}", file=sys.stderr)
        return 2
    print(_json(report) if arguments.json else "\n".join(_text(report)))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/protocols", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--mib", type=float, default=1.0, help="of each body that is read (default 1)")
    parser.add_argument("--rounds", type=int, default=50, help="of each reading, of which the best counts (default 50)")
    parser.add_argument("--tensor-mib", type=int, default=64, help="of the binary tensor held (default 64)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of probes for each size of body (default 5)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(arguments: argparse.Namespace) -> Report:
    with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as name:
        folder = Path(name)
        machine = describe(folder)
        read: list[Read] = []
        if "reading" in arguments.only:
            _tell(f"reading bodies of {arguments.mib:g} MiB")
            read = reading(round(arguments.mib * MIB), arguments.rounds)
        os.sched_setaffinity(0, OTHER_CORES)  # from here on the sidecar has the first core to itself
        memory: list[Held] = []
        if "memory" in arguments.only:
            _tell(f"requests of {arguments.tensor_mib} MiB")
            memory = held(folder, arguments.tensor_mib * MIB)
        waits: list[Stall] = []
        if "stalls" in arguments.only:
            _tell("probes beside large bodies")
            waits = list(stalls(folder, arguments.seconds))
        return Report(machine, read, memory, waits)


def _tell(what: str) -> None:
    print(f"protocols: {what}", file=sys.stderr, flush=True)


def _json(report: Report) -> str:
    memory = [dataclasses.asdict(each) | {"copies": each.copies} for each in report.memory]
    return json.dumps(dataclasses.asdict(report) | {"memory": memory}, indent=1)


def _text(report: Report) -> Iterator[str]:
    machine = report.machine
    yield f"{machine.cores} cores ({machine.processor}), Python {machine.python}, load {machine.load:.1f} before"
    if report.reading:
        yield f"\nReading a request's attributes (goal for V2 JSON: {GOAL_MB_S} MB/s)"
        yield from _table(("body", "MB", "orjson MB/s", "reading MB/s", "goal"), map(_read_cells, report.reading))
    if report.memory:
        yield f"\nMemory above idle while a binary tensor passes (goal: {GOAL_COPIES:.0f} copy of the body)"
        heads = ("framing", "request", "body MiB", "idle MiB", "peak MiB", "after MiB", "copies")
        yield from _table(heads, map(_held_cells, report.memory))
    if report.stalls:
        yield f"\nA probe's latency while {CLIENTS} clients send JSON bodies"
        heads = ("body MiB", "bodies/s", "probes", "p50 ms", "p99 ms", "max ms")
        yield from _table(heads, map(_stall_cells, report.stalls))


def _read_cells(of: Read) -> tuple[str, ...]:
    met = "met" if of.read_mb_s >= GOAL_MB_S else "missed"
    goal = met if of.has_goal else "-"
    return of.name, f"{of.body_bytes / 1e6:.2f}", f"{of.orjson_mb_s:.0f}", f"{of.read_mb_s:.0f}", goal


def _held_cells(of: Held) -> tuple[str, ...]:
    sizes = (of.body_bytes, of.idle_bytes, of.peak_bytes, of.after_bytes)
    return of.framing, of.request, *(f"{size / MIB:.1f}" for size in sizes), f"{of.copies:.2f}"


def _stall_cells(of: Stall) -> tuple[str, ...]:
    latencies = (f"{ms:.2f}" for ms in (of.p50_ms, of.p99_ms, of.max_ms))
    return str(of.body_mib or "none"), f"{of.bodies_per_s:.1f}", f"{of.probes:,}", *latencies


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    lines = [heads, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join([first.ljust(widths[0]), *cells])


if __name__ == "__main__":
    sys.exit(main())
