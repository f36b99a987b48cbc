"""Where the programs are that stacks need: made by scripts/install-bench-peers, or on PATH."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.processes import BenchError

NAMES = ("envoy", "opa-envoy-plugin", "skipper", "opa", "wrk", "nginx", "vegeta", "redis-server")
LINKS = Path(__file__).parents[1] / ".servers" / "bench"


def found(*needed: str) -> dict[str, str]:
    """Name to path, of those that are there; raises BenchError where one that is needed is not."""
    where = {name: shutil.which(name, path=str(LINKS)) or shutil.which(name) for name in NAMES}
    there = {name: path for name, path in where.items() if path}
    if lacking := [name for name in needed if name not in there]:
        raise BenchError(f"no {' and no '.join(lacking)} here: run scripts/install-bench-peers")
    return there
