"""What each layer of the sidecar adds, what disturbances do, and what minutes of load. Started by `bench/layers`."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.layering.disturbing import measure as measure_disturbed
from bench.layering.enduring import measure as measure_endured
from bench.layering.layers import LAYERS, SIZED
from bench.layering.measuring import measure
from bench.layering.report import Report, as_json, draw, markdown
from bench.machine import describe
from bench.processes import BenchError
from bench.programs import found
from bench.tokens import COUNT, kept_folder, minted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench.layering.disturbing import Disturbed
    from bench.layering.measuring import Sample

COMMAND = "bench/layers"
PARTS = ["layers", "sizes", "disturbances", "endurance"]
SIZES_CONNECTIONS = (4,)
ENGINES = ["embedded", "opa"]


def main() -> int:
    """Prints the report, or writes it where asked; exit code 1 where a call passed unjudged, 2 where it cannot be."""
    arguments = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="sidecar-bench-", dir=arguments.folder) as name:
            report = _measure(Path(name), arguments)
    except BenchError as error:
        print(f"layers: error: {error}", file=sys.stderr)
        return 2
    text = markdown(report)
    print(as_json(report) if arguments.json else text)
    if arguments.write:
        arguments.write.mkdir(parents=True, exist_ok=True)
        (arguments.write / "layers.json").write_text(as_json(report))
        picture = "\n![CPU a request by layer](layers.svg)\n" if report.layers else ""
        (arguments.write / "layers.md").write_text(text + picture)
        if report.layers:
            draw(report, arguments.write / "layers.svg")
    return 1 if any(one.unjudged for one in report.disturbed) else 0


def _measure(folder: Path, arguments: argparse.Namespace) -> Report:
    programs = found("wrk", "nginx", "vegeta")
    tokens = minted(kept_folder(), arguments.tokens)
    samples: dict[str, list[Sample]] = {}
    for part, layers, connections in (
        ("layers", {name: LAYERS[name] for name in arguments.layer}, arguments.connections),
        ("sizes", SIZED, SIZES_CONNECTIONS),
    ):
        own = folder / part
        own.mkdir()
        turns, seconds = arguments.turns, arguments.seconds
        wanted = measure(own, layers, tokens, programs, connections=connections, turns=turns, seconds=seconds)
        samples[part] = list(wanted) if part in arguments.only else []
    disturbed: Sequence[Disturbed] = []
    if "disturbances" in arguments.only:
        turns, seconds = arguments.disturbed_turns, arguments.disturbed_seconds
        engines, rate = arguments.engine, arguments.rate
        disturbed = measure_disturbed(
            folder, tokens, programs, engines=engines, rate=rate, turns=turns, seconds=seconds
        )
    endured = measure_endured(folder, tokens, minutes=arguments.minutes) if "endurance" in arguments.only else None
    return Report(
        command=shlex.join([COMMAND, *sys.argv[1:]]),
        machine=describe(folder),
        layers=samples["layers"],
        sizes=samples["sizes"],
        disturbed=disturbed,
        rate=arguments.rate,
        endured=endured,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="default: all")
    parser.add_argument("--layer", nargs="+", choices=list(LAYERS), default=list(LAYERS), help="default: all")
    parser.add_argument("--connections", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--turns", type=int, default=5, help="of each layer (default 5)")
    parser.add_argument("--seconds", type=float, default=4, help="of each measurement (default 4)")
    parser.add_argument("--rate", type=int, default=300, help="requests a second while disturbed (default 300)")
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=ENGINES, help="disturbed (default: both)")
    parser.add_argument("--disturbed-seconds", type=float, default=20, help="of each of those runs (default 20)")
    parser.add_argument("--disturbed-turns", type=int, default=3, help="of each disturbance (default 3)")
    parser.add_argument("--minutes", type=int, default=10, help="of endurance (default 10)")
    parser.add_argument("--tokens", type=int, default=COUNT, help=f"how many are minted (default {COUNT:,})")
    parser.add_argument("--folder", type=Path, help="where the audit logs are written (default: a temporary folder)")
    parser.add_argument(
        "--write", type=Path, metavar="DIR", help="also write layers.md, layers.svg and layers.json there"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
