"""A sidecar from its start through minutes of full load: how soon it is ready, and whether its memory grows."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench import workload
from bench.processes import cost, tree
from bench.series import Caller
from bench.stack import Given, sidecar, upstream

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.series import Throughput
    from bench.stack import Sidecar
    from bench.tokens import Tokens

CONNECTIONS = 64
STARTS = 5
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class Endured:
    """`ready_s`: of each start. `resident_mib`: of the last when it was ready, then after each minute of load.

    `failed`: calls without a prediction.
    """

    ready_s: Sequence[float]
    resident_mib: Sequence[float]
    requests: int
    failed: int


def measure(folder: Path, tokens: Tokens, *, minutes: int, minute_s: float = MINUTE_S) -> Endured:
    """The embedded engine, audit durable, one worker; every token comes back, and no decision does."""
    own = folder / "endured"
    own.mkdir()
    body = own / "body"
    body.write_text(workload.body())
    given = Given(workload.data(), tokens.key_set, "RS256")
    caller = Caller(tokens, body)
    ready_s: list[float] = []
    with upstream(own, cores=()) as address:
        for start in range(STARTS):
            begun_s = time.monotonic()
            name = f"start-{start}"
            with sidecar(own, address, mode="enforce", engine="embedded", name=name, given=given, cores=()) as running:
                ready_s.append(time.monotonic() - begun_s)
                if start < STARTS - 1:
                    continue
                resident_mib = [cost(tree(running.pid)).resident_mib]
                caller.await_prediction(running.address)
                seen = [_minute(running, caller, resident_mib, minute_s) for _ in range(minutes)]
    return Endured(ready_s, resident_mib, sum(one.requests for one in seen), sum(one.failed for one in seen))


def _minute(running: Sidecar, caller: Caller, resident_mib: list[float], minute_s: float) -> Throughput:
    seen = caller.run(running.address, "returning", CONNECTIONS, minute_s)
    resident_mib.append(cost(tree(running.pid)).resident_mib)
    print(f"layers: after minute {len(resident_mib) - 1}: {resident_mib[-1]:.1f} MiB", file=sys.stderr, flush=True)
    return seen
