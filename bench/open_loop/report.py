"""A load test when it is over: a text, JSON, and latency over time as a plot."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

from bench.figures import percentile, plot, table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.open_loop.outcome import Outcome
    from bench.vegeta import Answer


def markdown(found: Outcome, command: str, rate: int) -> str:
    """For people."""
    heads = ["requests", "due/s", "answered/s", *found.latency_ms, "highest"]
    latencies = [f"{ms:,.2f} ms" for ms in (*found.latency_ms.values(), found.highest_ms)]
    parts = [
        "# Load test",
        f"`{command}`: latency from when each request was due.",
        table(heads, [[found.requests, rate, round(found.answered_per_s), *latencies]]),
        table(["status", "answers"], found.statuses.items()),
    ]
    if found.reasons:
        parts.append(table(["refused for", "answers"], found.reasons.items()))
    return "\n\n".join(parts) + "\n"


def as_json(found: Outcome, command: str, rate: int) -> str:
    """The same for programs."""
    return json.dumps({"command": command, "rate_per_s": rate, **dataclasses.asdict(found)}, indent=1)


def draw(answers: Sequence[Answer], path: Path) -> None:
    """Percentiles of each second's requests, by when they were due."""
    by_second: dict[int, list[float]] = {}
    for answer in answers:
        by_second.setdefault(int(answer.due_s), []).append(answer.latency_s * 1e3)
    seconds = sorted(by_second)
    with plot(path) as axes:
        for percent in (50, 99, 99.9):
            axes.plot(seconds, [percentile(sorted(by_second[at]), percent) for at in seconds], label=f"p{percent:g}")
        axes.set(xlabel="s since the start", ylabel="ms from when a request was due", yscale="log")
        axes.legend()
