"""Drives wrk against each stack and prints what it measured. Started by `bench/quick`."""

from __future__ import annotations

import argparse
import dataclasses
import http.client
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import BenchError, Cost
from bench.stack import OTHER_CORES, Sidecar, sidecar, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP_S = 1


@dataclass(frozen=True, slots=True)
class Measured:
    """One row of the table. CPU is what the sidecar and its OPA used, wrk and the upstream left out."""

    mode: str
    engine: str
    connections: int
    requests_per_s: int
    p50_ms: float
    p99_ms: float
    sidecar_cpu_us: float  # a request
    opa_cpu_us: float  # a request
    sidecar_mib: float  # resident, at the end
    opa_mib: float
    failed: int  # answers that were no 2xx or 3xx, and broken connections


def main() -> int:
    """Measures what the arguments name; exit code 1 where a request failed."""
    arguments = _arguments()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"quick: the machine is busy (load {load:.1f}): figures will be worse than they are", file=sys.stderr)
    try:
        rows = list(_measurements(arguments))
    except BenchError as error:
        print(f"quick: error: {error}", file=sys.stderr)
        return 2
    print(json.dumps([dataclasses.asdict(row) for row in rows], indent=1) if arguments.json else _table(rows))
    return 1 if any(row.failed for row in rows) else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/quick", description=__doc__)
    parser.add_argument("--mode", nargs="+", choices=MODES, default=MODES)
    parser.add_argument("--engine", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--connections", nargs="+", type=int, default=[16, 64])
    parser.add_argument("--seconds", type=int, default=5, help="of each measurement (default 5)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


MODES = ["direct", "shadow", "enforce"]
ENGINES = ["opa", "embedded"]


def _measurements(arguments: argparse.Namespace) -> Iterator[Measured]:
    with tempfile.TemporaryDirectory(prefix="sidecar-bench-") as name, upstream(Path(name)) as address:
        if "direct" in arguments.mode:
            yield from _rows(arguments, "direct", "-", address, None)
        for engine in arguments.engine:
            for mode in arguments.mode:
                if mode == "direct":
                    continue
                with sidecar(Path(name), address, mode=mode, engine=engine) as running:
                    yield from _rows(arguments, mode, engine, running.address, running)


def _rows(
    arguments: argparse.Namespace, mode: str, engine: str, address: str, running: Sidecar | None
) -> Iterator[Measured]:
    expect_prediction(address)
    wrk(address, 16, WARM_UP_S)
    for connections in arguments.connections:
        print(f"quick: {mode}, {engine}, {connections} connections", file=sys.stderr, flush=True)
        before = _costs(running)
        result = wrk(address, connections, arguments.seconds)
        own, opa = (_used(*pair) for pair in zip(before, _costs(running), strict=True))
        requests = max(1, result["requests"])
        yield Measured(
            mode=mode,
            engine=engine,
            connections=connections,
            requests_per_s=round(result["requests"] / result["duration_us"] * 1e6),
            p50_ms=result["p50_us"] / 1e3,
            p99_ms=result["p99_us"] / 1e3,
            sidecar_cpu_us=round(own.cpu_s / requests * 1e6, 1),
            opa_cpu_us=round(opa.cpu_s / requests * 1e6, 1),
            sidecar_mib=round(own.resident_mib, 1),
            opa_mib=round(opa.resident_mib, 1),
            failed=result["failed"],
        )


def _costs(running: Sidecar | None) -> tuple[Cost, Cost]:
    return (running.cost(), running.engine_cost()) if running else (Cost(), Cost())


def _used(before: Cost, after: Cost) -> Cost:
    return Cost(cpu_s=after.cpu_s - before.cpu_s, resident_mib=after.resident_mib)


def expect_prediction(address: str) -> None:
    """A load of refusals measures nothing: the first answer must be the upstream's."""
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("POST", workload.PATH, workload.body(), workload.headers())
    response = connection.getresponse()
    text = response.read().decode(errors="replace")
    connection.close()
    if response.status != 200 or text != workload.answer():
        raise BenchError(f"expected the upstream's prediction, got {response.status}: {text}")


def wrk(address: str, connections: int, seconds: int) -> dict[str, int]:
    script = Path(__file__).with_name("request.lua")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(script)]
    headers = "\n".join(f"{name}: {value}" for name, value in workload.headers().items())
    env = {**os.environ, "BENCH_BODY": workload.body(), "BENCH_HEADERS": headers}
    process = subprocess.Popen(
        [*command, f"http://{address}{workload.PATH}"], env=env, stdout=subprocess.PIPE, text=True
    )
    os.sched_setaffinity(process.pid, OTHER_CORES)  # before it makes the thread that sends, which inherits it
    output = process.communicate()[0]
    for line in output.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    raise BenchError(f"wrk ended with {process.returncode}:\n{output}")


def _table(rows: list[Measured]) -> str:
    heads = ["mode", "engine", "conns", "req/s", "p50 ms", "p99 ms"]
    heads += ["sidecar µs/req", "OPA µs/req", "sidecar MiB", "OPA MiB", "failed"]
    cells = [[_cell(value) for value in dataclasses.astuple(row)] for row in rows]
    widths = [max(len(line[column]) for line in [heads, *cells]) for column in range(len(heads))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in [heads, *cells]]
    return "\n".join(lines)


def _cell(value: str | float) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) else value


if __name__ == "__main__":
    sys.exit(main())
