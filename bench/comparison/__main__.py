"""Measures the sidecar and its peers on one workload in one run. Started by `bench/peers`."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path

from bench.comparison.measuring import Plan, measure
from bench.comparison.report import as_json, draw, markdown
from bench.comparison.samples import Cell
from bench.comparison.stacks import STACKS
from bench.machine import describe
from bench.processes import BenchError
from bench.programs import found
from bench.series import SERIES
from bench.tokens import kept_folder, minted

COMMAND = "bench/peers"


def main() -> int:
    """Prints the report, or writes it where asked; exit code 2 where it cannot be measured."""
    arguments = _arguments()
    cells = [Cell(series, connections) for series in arguments.series for connections in arguments.connections]
    if arguments.one_connection:
        cells.insert(0, Cell(arguments.series[0], 1))
    plan = Plan(arguments.stack, cells, arguments.rate, arguments.turns, arguments.seconds)
    command = shlex.join([COMMAND, *sys.argv[1:]])
    try:
        with tempfile.TemporaryDirectory(prefix="sidecar-bench-", dir=arguments.folder) as name:
            programs = found("wrk", "nginx", *(["vegeta"] if plan.rate else []))
            machine = describe(Path(name))
            measured = measure(Path(name), plan, minted(kept_folder()), programs)
    except BenchError as error:
        print(f"peers: error: {error}", file=sys.stderr)
        return 2
    text = markdown(measured, machine, command)
    print(as_json(measured, machine, command) if arguments.json else text)
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        (arguments.write / "peers.json").write_text(as_json(measured, machine, command))
        (arguments.write / "peers.md").write_text(f"{text}\n![CPU a request by process](peers.svg)\n")
        draw(measured, arguments.write / "peers.svg")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--stack", nargs="+", choices=list(STACKS), default=list(STACKS), help="default: all")
    parser.add_argument("--series", nargs="+", choices=list(SERIES), default=list(SERIES), help="default: all")
    parser.add_argument("--connections", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--turns", type=int, default=5, help="of each stack under each load (default 5)")
    parser.add_argument("--seconds", type=float, default=5, help="of each turn (default 5)")
    parser.add_argument("--rate", type=int, default=1_000, help="constant rate for p99 (default 1000; 0: none)")
    parser.add_argument("--no-one-connection", dest="one_connection", action="store_false", help="skip that load")
    parser.add_argument("--folder", type=Path, help="where the audit logs are written (default: a temporary folder)")
    parser.add_argument("--write", type=Path, metavar="DIR", help="also write peers.{md,svg,json} there")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
