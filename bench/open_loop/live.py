"""A load test while it runs: one line that is written over on a terminal, a line every five seconds elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, TextIO

from bench.figures import percentile
from bench.open_loop.outcome import reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bench.vegeta import Answer

TERMINAL_S, LOG_S = 0.5, 5.0


def shown(answers: Iterable[Answer], expected: int, stream: TextIO = sys.stderr) -> Iterator[Answer]:
    """Passes the answers on and shows how they fare."""
    every_s = TERMINAL_S if stream.isatty() else LOG_S
    seen, told = 0, Counter[str]()
    latest_ms: list[float] = []
    shown_s = time.monotonic()
    for answer in answers:
        seen += 1
        latest_ms.append(answer.latency_s * 1e3)
        told.update(reasons(answer))
        yield answer
        if time.monotonic() - shown_s >= every_s:
            _show(stream, line(seen, expected, latest_ms, told))
            shown_s, latest_ms = time.monotonic(), []
    if latest_ms:
        _show(stream, line(seen, expected, latest_ms, told))
    stream.write("\n" if stream.isatty() else "")


def line(seen: int, expected: int, latest_ms: list[float], told: Counter[str]) -> str:
    """How far it is, the latest latencies, and what was refused so far."""
    ordered = sorted(latest_ms)
    refused = ", ".join(f"{reason} {count:,}" for reason, count in told.most_common(3)) or "none"
    return (
        f"load: {seen:,} of {expected:,}; p50 {percentile(ordered, 50):,.1f} ms, "
        f"p99 {percentile(ordered, 99):,.1f} ms; refused: {refused}"
    )


def _show(stream: TextIO, text: str) -> None:
    stream.write(f"\r\033[K{text}" if stream.isatty() else f"{text}\n")
    stream.flush()
