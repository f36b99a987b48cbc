"""The costs that matter: instructions of an exchange, times of its stages and parts. Started by `bench/micro`."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.costs import history
from bench.costs.instructions import instructions, is_here
from bench.costs.parts import parts
from bench.costs.stages import stages
from bench.figures import table
from bench.processes import BenchError
from bench.programs import found
from bench.tokens import COUNT, kept_folder, minted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

COMMAND = "bench/micro"
ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "bench" / "results" / "micro.jsonl"


def main() -> int:
    """Prints the costs; exit code 1 where an exchange got dearer than in the newest line, 2 where none was measured."""
    arguments = _arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as name:
            line = history.entry(_costs(Path(name), arguments), ROOT)
    except BenchError as error:
        print(f"micro: error: {error}", file=sys.stderr)
        return 2
    before = history.last(arguments.history)
    print(json.dumps(line, indent=1) if arguments.json else "\n\n".join(_text(line, before)))
    if arguments.record:
        history.append(arguments.history, line)
    worse = list(history.dearer(line, before)) if before else []
    for each in worse:
        print(f"micro: dearer: {each}", file=sys.stderr)
    return 1 if worse else 0


def _costs(folder: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    tokens = minted(kept_folder(), arguments.tokens)
    found("wrk", "nginx")
    costs: dict[str, Any] = {}
    if "instructions" in arguments.only:
        if is_here():
            _tell("instructions of an exchange, by callgrind: a minute or two")
            costs["instructions"] = instructions(folder / "counted", tokens)
        else:
            _tell("no valgrind here: instructions are not counted (Debian: apt-get install valgrind)")
    if "times" in arguments.only:
        _tell("times of stages and parts")
        staged = stages(folder / "staged", tokens)
        costs["stages_us"] = staged.us
        costs["parts_us"] = parts(folder / "parts", ROOT / "rego", staged)
    return costs


def _text(line: Mapping[str, Any], before: Mapping[str, Any] | None) -> Iterator[str]:
    yield f"commit {line['commit']}, beside {before['commit'] if before else 'nothing earlier'}"
    earlier = before or {}
    for series, counts in line.get("instructions", {}).items():
        old = earlier.get("instructions", {}).get(series, {})
        yield table([f"instructions an exchange, {series}", "now", "before"], _rows(counts, old))
    for name, title in (("stages_us", "stage, µs, one connection"), ("parts_us", "part, µs, best")):
        if name in line:
            yield table([title, "now", "before"], _rows(line[name], earlier.get(name, {})))


def _rows(now: Mapping[str, float], before: Mapping[str, float]) -> Iterator[list[object]]:
    for name, value in now.items():
        yield [name, value, before.get(name)]


def _tell(what: str) -> None:
    print(f"micro: {what}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--only", nargs="+", choices=["instructions", "times"], default=["instructions", "times"])
    parser.add_argument("--record", action="store_true", help="append the figures to the history")
    parser.add_argument("--history", type=Path, default=HISTORY, help="default: bench/results/micro.jsonl")
    parser.add_argument("--tokens", type=int, default=COUNT, help=f"how many are minted (default {COUNT:,})")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
