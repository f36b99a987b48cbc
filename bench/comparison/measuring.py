"""Measures all stacks in turns, so that what drifts meets all alike."""

from __future__ import annotations

import contextlib
import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import workload
from bench.comparison.ours import Lookups, lookups
from bench.comparison.running import Running
from bench.comparison.samples import Cell, Measured, Sample, Steady
from bench.comparison.stacks import place, started
from bench.figures import percentile
from bench.processes import BenchError, cost_by_name, tree
from bench.series import Caller
from bench.stack import upstream
from bench.vegeta import Target, attack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from bench.processes import Cost
    from bench.tokens import Tokens

DIRECT = "direct"
WARM_UP_S = 1
FAILED_LIMIT = 0.5
"""Share of requests that may fail, as by a timeout where others use the machine: told, and counted for nothing."""
WARM_UP_CONNECTIONS = 16


@dataclass(frozen=True, slots=True)
class Plan:
    """What to measure. `rate` 0: nothing at a constant rate."""

    stacks: Sequence[str]
    cells: Sequence[Cell]
    rate: int
    turns: int
    seconds: float


def measure(folder: Path, plan: Plan, tokens: Tokens, programs: Mapping[str, str]) -> Measured:
    """Starts all that can be started, then loads one at a time. Raises BenchError where a request failed."""
    with contextlib.ExitStack() as stack:
        address = stack.enter_context(upstream(folder, cores=()))
        up: dict[str, Running] = {DIRECT: Running(address, [])}
        missing: dict[str, str] = {}
        body = folder / "body.json"
        body.write_text(workload.body())
        caller = Caller(tokens, body)
        for name in plan.stacks:
            answer = started(stack, name, place(folder, name, address, tokens, programs))
            if isinstance(answer, str):
                missing[name] = answer
                _say(f"going on without {name}: {answer}")
                continue
            up[name] = answer
            caller.await_prediction(answer.address)
            _say(f"{name} is up; it is shown all tokens once")
            caller.warm(answer.address, WARM_UP_CONNECTIONS)
        samples = [one for cell in plan.cells for one in _turns(up, cell, caller, plan)]
        steady = list(_steady_turns(up, plan, tokens, programs["vegeta"])) if plan.rate else []
        return Measured(samples, steady, missing)


def _turns(up: Mapping[str, Running], cell: Cell, caller: Caller, plan: Plan) -> Iterator[Sample]:
    """Every stack once a turn; the order turns around each time, so that a steady drift cancels."""
    for name in up:
        caller.run(up[name].address, cell.series, cell.connections, WARM_UP_S)
    for turn, name in _order(up, plan.turns):
        sample = _sample(name, up[name], cell, caller, plan.seconds)
        where = f"{cell.series}, {cell.connections} connections, turn {turn + 1} of {plan.turns}"
        _say(f"{where}: {name} {sample.requests_per_s:,.0f} req/s, {sample.total_cpu_us:,.0f} µs of CPU")
        yield sample


def _order(up: Mapping[str, Running], turns: int) -> Iterator[tuple[int, str]]:
    for turn in range(turns):
        yield from ((turn, name) for name in (list(up) if turn % 2 == 0 else reversed(list(up))))


def _sample(name: str, running: Running, cell: Cell, caller: Caller, seconds: float) -> Sample:
    asked, before = _lookups(running), _costs(running)
    seen = caller.run(running.address, cell.series, cell.connections, seconds)
    after = _costs(running)
    if seen.failed >= seen.requests * FAILED_LIMIT:
        raise BenchError(f"{name} failed {seen.failed} of {seen.requests} requests ({cell})")
    verified, decided = _lookups(running).rates(asked) if running.admin else (None, None)
    used = {process: one.cpu_s - before[process].cpu_s for process, one in after.items()}
    return Sample(
        stack=name,
        cell=cell,
        requests_per_s=seen.predictions_per_s,
        p50_ms=seen.p50_us / 1e3,
        p99_ms=seen.p99_us / 1e3,
        cpu_us={process: cpu_s / seen.requests * 1e6 for process, cpu_s in used.items()},
        resident_mib={process: one.resident_mib for process, one in after.items()},
        verified_from_cache=verified,
        decided_from_cache=decided,
        failed=seen.failed,
    )


def _steady_turns(up: Mapping[str, Running], plan: Plan, tokens: Tokens, vegeta: str) -> Iterator[Steady]:
    with tokens.file.open() as lines:
        known = [line.strip() for line in itertools.islice(lines, tokens.subjects)]
    for turn, name in _order(up, plan.turns):
        sample = _steady(name, up[name].address, plan, known, vegeta)
        _say(f"{plan.rate:,} requests/s, turn {turn + 1} of {plan.turns}: {name} p99 {sample.p99_ms:,.1f} ms")
        yield sample


def _steady(name: str, address: str, plan: Plan, known: Sequence[str], vegeta: str) -> Steady:
    answers = list(attack(vegeta, _targets(address, known), plan.rate, plan.seconds))
    ordered = sorted(answer.latency_s * 1e3 for answer in answers)
    failed = sum(answer.status != 200 for answer in answers)
    return Steady(name, plan.rate, percentile(ordered, 50), percentile(ordered, 99), failed)


def _targets(address: str, known: Sequence[str]) -> Iterator[Target]:
    """The series `returning`, in the tokens' order."""
    body = workload.body().encode()
    for number in itertools.count():
        headers = workload.headers(known[number % len(known)])
        headers["X-Data-Version"] = f"loans-{(number // len(known) + number) % workload.DATA_VERSIONS}"
        yield Target(f"http://{address}{workload.PATH}", headers, body)


def _costs(running: Running) -> dict[str, Cost]:
    return cost_by_name(pid for root in running.roots for pid in tree(root))


def _lookups(running: Running) -> Lookups:
    return lookups(running.admin) if running.admin else Lookups()


def _say(text: str) -> None:
    print(f"peers: {text}", file=sys.stderr, flush=True)
