"""Measures the same load with the audit trail on, in part and off, in turns. Started by `bench/audit`."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import json
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.machine import Machine, busy_s, describe
from bench.processes import BenchError, bench_cpu_s
from bench.quick import WARM_UP_S, expect_prediction, wrk
from bench.stack import Sidecar, sidecar, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

WITHOUT = (sys.executable, "-m", "bench.unrecorded")
BASE = "off"
DISTURBED = 0.1
"""Of one core: a round in which other programs used more is measured again."""
TRIES = 10
VARIANTS: Mapping[str, tuple[Sequence[str], Sequence[str], str]] = {
    BASE: ((*WITHOUT, "off"), (), "no record is made"),
    "unkept": ((*WITHOUT, "unkept"), (), "records are made and forgotten"),
    "required": (("sidecar",), (), "the default: durable before effect"),
    "best_effort": (("sidecar",), ("--audit-delivery", "best_effort"), "kept, but waited for by nobody"),
}
"""Name to launcher, flags and meaning."""
OTHERS = [name for name in VARIANTS if name != BASE]


@dataclass(frozen=True, slots=True)
class Round:
    """One measurement of one variant, or the median of several."""

    requests_per_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float  # of the sidecar, an exchange
    others: float  # cores' worth of CPU that other programs used meanwhile

    def less(self, base: Round) -> Round:
        """What it costs above another one; throughput as a ratio."""
        return Round(
            self.requests_per_s / base.requests_per_s,
            self.p50_ms - base.p50_ms,
            self.p99_ms - base.p99_ms,
            self.cpu_us - base.cpu_us,
            max(self.others, base.others),
        )


@dataclass(frozen=True, slots=True)
class Report:
    """All rounds by variant: number n of each was measured next to number n of the others."""

    machine: Machine
    connections: int
    rounds: Mapping[str, list[Round]]

    def medians(self) -> dict[str, Round]:
        """By variant."""
        return {name: _median(rounds) for name, rounds in self.rounds.items()}

    def above_base(self) -> dict[str, list[Round]]:
        """By variant, the difference in each turn."""
        base = self.rounds[BASE]
        return {
            name: [one.less(other) for one, other in zip(rounds, base, strict=True)]
            for name, rounds in self.rounds.items()
            if name != BASE
        }


def main() -> int:
    """Prints the report; exit code 2 where it cannot be measured."""
    arguments = _arguments()
    try:
        report = _measure(arguments)
    except BenchError as error:
        print(f"audit: error: {error}", file=sys.stderr)
        return 2
    print(_json(report) if arguments.json else markdown(report))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench/audit", description=__doc__)
    parser.add_argument("--audit", nargs="+", choices=OTHERS, default=OTHERS, help="beside `off` (default: all)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=6, help="turns of each variant (default 6)")
    parser.add_argument("--seconds", type=int, default=4, help="of each measurement (default 4)")
    parser.add_argument("--engine", choices=["embedded", "opa"], default="embedded")
    parser.add_argument("--folder", type=Path, help="where the logs are written (default: a temporary folder)")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _measure(arguments: argparse.Namespace) -> Report:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sidecar-bench-", dir=arguments.folder)))
        address = stack.enter_context(upstream(folder))
        running: dict[str, Sidecar] = {}
        for name in [BASE, *arguments.audit]:
            launcher, flags, _ = VARIANTS[name]
            one = sidecar(
                folder, address, mode="enforce", engine=arguments.engine, name=name, launcher=launcher, flags=flags
            )
            running[name] = stack.enter_context(one)
        for each in running.values():
            expect_prediction(each.address)
            wrk(each.address, arguments.connections, WARM_UP_S)
        rounds: dict[str, list[Round]] = {name: [] for name in running}
        for name in _turns(list(running), arguments.rounds):
            print(f"audit: {name}, round {len(rounds[name]) + 1}", file=sys.stderr, flush=True)
            rounds[name].append(_round(running[name], arguments))
        return Report(describe(folder), arguments.connections, rounds)


def _turns(names: list[str], count: int) -> Iterator[str]:
    """Every name once a turn; the order turns around each time, so that a steady drift cancels."""
    for _ in range(count):
        yield from names
        names.reverse()


def _round(running: Sidecar, arguments: argparse.Namespace) -> Round:
    """One that nothing else on the machine disturbed, or the least disturbed of `TRIES`."""
    tried: list[Round] = []
    while len(tried) < TRIES and not (tried and tried[-1].others < DISTURBED):
        tried.append(_try(running, arguments))
    return min(tried, key=lambda one: one.others)


def _try(running: Sidecar, arguments: argparse.Namespace) -> Round:
    before_s, busy_before_s, ours_before_s = running.cost().cpu_s, busy_s(), bench_cpu_s()
    result = wrk(running.address, arguments.connections, arguments.seconds)
    ours_s = bench_cpu_s() - ours_before_s
    if result["failed"]:
        raise BenchError(f"{result['failed']} requests failed")
    return Round(
        requests_per_s=result["requests"] / result["duration_us"] * 1e6,
        p50_ms=result["p50_us"] / 1e3,
        p99_ms=result["p99_us"] / 1e3,
        cpu_us=(running.cost().cpu_s - before_s) / max(1, result["requests"]) * 1e6,
        others=max(0.0, busy_s() - busy_before_s - ours_s) / arguments.seconds,
    )


def _median(rounds: Sequence[Round]) -> Round:
    return Round(*(median(values) for values in zip(*map(dataclasses.astuple, rounds), strict=True)))


def _json(report: Report) -> str:
    differences = {name: dataclasses.asdict(_median(each)) for name, each in report.above_base().items()}
    return json.dumps({**dataclasses.asdict(report), "median_above_off": differences}, indent=1)


def markdown(report: Report) -> str:
    """Two tables: the medians, and what each variant costs above none (its spread over the turns in brackets)."""
    others = max(one.others for rounds in report.rounds.values() for one in rounds)
    lines = [
        f"{report.machine.sentence()} {report.connections} connections, medians of {len(report.rounds[BASE])} rounds, "
        f"in which other programs used at most {others:.2f} cores.",
        "",
    ]
    lines += ["| audit | | req/s | p50 ms | p99 ms | sidecar µs/exchange |", "|---|---|---|---|---|---|"]
    for name, of in report.medians().items():
        what = VARIANTS[name][2]
        lines.append(
            f"| {name} | {what} | {of.requests_per_s:,.0f} | {of.p50_ms:.1f} | {of.p99_ms:.1f} | {of.cpu_us:.0f} |"
        )
    medians = report.medians()
    lines += ["", "| above off | throughput, ratio | p50 ms | p99 ms | sidecar µs/exchange |", "|---|---|---|---|---|"]
    for name, differences in report.above_base().items():
        apart = medians[name].less(medians[BASE])
        lines.append(
            f"| {name} | {apart.requests_per_s:.3f} | {apart.p50_ms:+.1f} | {apart.p99_ms:+.1f} "
            f"| {apart.cpu_us:+.0f} ({_spread([each.cpu_us for each in differences])}) |"
        )
    return "\n".join(lines)


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):+.0f} … {max(values):+.0f}"


if __name__ == "__main__":
    sys.exit(main())
