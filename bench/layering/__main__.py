"""What each layer of the sidecar adds, and what disturbances do. Started by `bench/layers`."""

from __future__ import annotations

import argparse
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from bench.layering import disturbing
from bench.layering.layers import LAYERS, SIZED
from bench.layering.measuring import measure
from bench.layering.report import Report, as_json, draw, markdown
from bench.machine import describe
from bench.processes import BenchError
from bench.programs import found
from bench.tokens import COUNT, kept_folder, minted

if TYPE_CHECKING:
    from bench.layering.measuring import Sample

COMMAND = "bench/layers"
PARTS = ["layers", "sizes", "disturbances"]
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
    disturbed = disturbing.measure(
        folder,
        tokens,
        programs,
        engines=arguments.engine,
        rate=arguments.rate,
        seconds=arguments.disturbed_seconds,
    )
    return Report(
        command=shlex.join([COMMAND, *sys.argv[1:]]),
        machine=describe(folder),
        layers=samples["layers"],
        sizes=samples["sizes"],
        disturbed=list(disturbed) if "disturbances" in arguments.only else [],
        rate=arguments.rate,
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
    parser.add_argument("--tokens", type=int, default=COUNT, help=f"how many are minted (default {COUNT:,})")
    parser.add_argument("--folder", type=Path, help="where the audit logs are written (default: a temporary folder)")
    parser.add_argument(
        "--write", type=Path, metavar="DIR", help="also write layers.md, layers.svg and layers.json there"
    )
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
