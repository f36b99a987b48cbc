"""Measures layers in turns: throughput, latency above the upstream's own, CPU by process, memory."""

from __future__ import annotations

import contextlib
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.layering.layers import Layer, write_body
from bench.processes import BenchError, cost_by_name, free_port, serving, tree
from bench.series import Caller
from bench.stack import Given, sidecar, upstream

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.processes import Cost
    from bench.tokens import Tokens

DIRECT = "direct"
SERIES = "returning"
WARM_UP_S = 1


@dataclass(frozen=True, slots=True)
class Up:
    """A layer that answers; `pids` are roots of its processes."""

    address: str
    caller: Caller
    pids: Sequence[int]


@dataclass(frozen=True, slots=True)
class Sample:
    """One layer in one turn."""

    layer: str
    connections: int
    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: Mapping[str, float]  # a request, by process
    resident_mib: Mapping[str, float]
    failed: int


def measure(
    folder: Path,
    layers: Mapping[str, Layer],
    tokens: Tokens,
    programs: Mapping[str, str],
    *,
    connections: Sequence[int],
    turns: int,
    seconds: float,
) -> Iterator[Sample]:
    """Starts the upstream and every layer that can be started, then loads one at a time."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(upstream(folder, cores=()))
        up = {DIRECT: _direct(folder, address, tokens)}
        for name, layer in layers.items():
            if lacking := [program for program in layer.needs if program not in programs]:
                _say(f"going on without {name}: no {', '.join(lacking)} here")
                continue
            up[name] = stack.enter_context(_started(folder, name, layer, address, tokens, programs))
            up[name].caller.await_prediction(up[name].address)
        for each in up.values():
            each.caller.run(each.address, SERIES, max(connections), WARM_UP_S)
        for turn in range(turns):
            for name in list(up) if turn % 2 == 0 else reversed(list(up)):
                for count in connections:
                    yield _sample(name, up[name], count, seconds, f"turn {turn + 1} of {turns}")


def _direct(folder: Path, address: str, tokens: Tokens) -> Up:
    own = folder / DIRECT
    own.mkdir()
    return Up(address, Caller(tokens, write_body(own, Layer("the upstream alone"))), [])


@contextmanager
def _started(
    folder: Path, name: str, layer: Layer, address: str, tokens: Tokens, programs: Mapping[str, str]
) -> Generator[Up]:
    own = folder / name.replace(" ", "-")
    own.mkdir()
    given = Given(layer.data(), tokens.key_set, "RS256")
    method, path = layer.asked()
    with contextlib.ExitStack() as stack:
        store, flags = [], list(layer.flags)
        if "REDIS" in flags:
            port = free_port()
            store = [stack.enter_context(_redis(own, port, programs["redis-server"]))]
            flags[flags.index("REDIS")] = f"redis://127.0.0.1:{port}/0"
        ours = stack.enter_context(
            sidecar(
                own,
                address,
                mode="enforce",
                engine=layer.engine,
                name="ours",
                launcher=layer.launcher,
                flags=flags,
                given=given,
                cores=(),
            )
        )
        caller = Caller(tokens, write_body(own, layer), method=method, path=path)
        yield Up(ours.address, caller, [ours.pid, *store])


@contextmanager
def _redis(folder: Path, port: int, program: str) -> Generator[int]:
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with serving(command, port, folder / "redis.log") as process:
        yield process.pid


def _sample(name: str, up: Up, connections: int, seconds: float, where: str) -> Sample:
    before = _costs(up)
    seen = up.caller.run(up.address, SERIES, connections, seconds)
    after = _costs(up)
    if seen.failed == seen.requests:
        raise BenchError(f"{name} failed all of {seen.requests} requests")
    used = {process: (one.cpu_s - before[process].cpu_s) / seen.requests * 1e6 for process, one in after.items()}
    _say(f"{where}: {name}, {connections} connections, {seen.predictions_per_s:,.0f} req/s")
    return Sample(
        layer=name,
        connections=connections,
        requests_per_s=seen.predictions_per_s,
        p50_ms=seen.p50_us / 1e3,
        p99_ms=seen.p99_us / 1e3,
        cpu_us=used,
        resident_mib={process: one.resident_mib for process, one in after.items()},
        failed=seen.failed,
    )


def _costs(up: Up) -> dict[str, Cost]:
    return cost_by_name(pid for root in up.pids for pid in tree(root))


def _say(text: str) -> None:
    print(f"layers: {text}", file=sys.stderr, flush=True)
