"""The guard that one would first write, in one process, and an OPA beside it."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from bench.comparison.peer_policy import write_policy
from bench.comparison.running import Running
from bench.processes import free_port, serving

if TYPE_CHECKING:
    from collections.abc import Generator

    from bench.comparison.running import Place


@contextmanager
def judging(place: Place) -> Generator[Running]:
    """uvicorn with its fast parts (uvloop, httptools), no access log."""
    policy, opa_port = place.folder / "policy", free_port()
    write_policy(policy, place.tokens, claims="token_in_envoy.rego")
    opa = [place.programs["opa"], "run", "--server", "--addr", f"127.0.0.1:{opa_port}"]
    opa += ["--log-level", "error", "--skip-version-check", str(policy)]
    guard = [sys.executable, "-m", "uvicorn", "bench.comparison.obvious_app:app", "--port", str(place.port)]
    guard += ["--log-level", "error", "--no-access-log"]
    env = {
        "BENCH_UPSTREAM": f"http://{place.upstream}",
        "BENCH_OPA": f"http://127.0.0.1:{opa_port}",
        "BENCH_KEYS": json.dumps(place.tokens.key_set),
    }
    with (
        serving(opa, opa_port, place.folder / "opa.log") as engine,
        serving(guard, place.port, place.folder / "guard.log", env=env) as process,
    ):
        yield Running(place.address, [process.pid, engine.pid])
